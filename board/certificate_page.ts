/**
 * The page of a past draw. It needs no script.
 *
 * @module
 */

import { type Language, type Words, wordsOf } from "./page/words.js";
import type { AgencyOutcome, DrawOutcome } from "./state.ts";

/**
 * Returns the page of a draw.
 *
 * @param outcome Nothing if there is no record of it, `null` if the record cannot be read.
 */
export function certificatePage(
  id: string,
  outcome: DrawOutcome | null | undefined,
  language: Language,
): string {
  const words = wordsOf(language);
  const { certificatePage: own } = words;
  const content = outcome === undefined
    ? `<p>${own.none}</p>`
    : outcome === null
    ? `<p>${own.unreadable}</p>`
    : contentOf(outcome, words);
  const other = language === "es" ? "en" : "es";
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${own.heading}</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/board.css">
<link rel="stylesheet" href="/page/certificate.css">
</head>
<body class="certificate">
<header class="masthead">
<p class="brand"><a href="/?lang=${language}">${own.back}</a></p>
<p class="controls"><a href="?lang=${other}" lang="${other}">${words.otherLanguage}</a></p>
</header>
<main>
<article>
<h1>${own.heading}</h1>
<p class="id">${escape(words.lotteryId(id))}</p>
${content}
</article>
</main>
</body>
</html>
`;
}

function contentOf({ winningNumber, drawnAt, bets, winners, agencies }: DrawOutcome, words: Words) {
  const { certificatePage: own } = words;
  const time = `<time datetime="${escape(drawnAt)}">${escape(words.moment(drawnAt))}</time>`;
  return `<p class="drawn"><span>${words.number}</span> <strong>${winningNumber}</strong></p>
<p>${own.drawnAt} ${time}</p>
<p class="sum">${words.winners(winners)}, ${words.among(bets)}</p>
<table>
<thead><tr><th scope="col">${words.agency}</th><th scope="col">${words.bets}</th>
<th scope="col">${own.winners}</th><th scope="col">${own.documents}</th></tr></thead>
<tbody>
${agencies.map((agency) => rowOf(agency, words)).join("\n")}
</tbody>
</table>
${winners > 0 ? `<p class="note">${own.masked}</p>` : ""}`;
}

function rowOf({ agency, bets, winners, documents }: AgencyOutcome, words: Words): string {
  const others = winners - documents.length;
  const shown = documents.map((document) => `<li>${escape(document)}</li>`);
  if (others > 0) shown.push(`<li>${words.certificatePage.others(others)}</li>`);
  return `<tr id="agency-${agency}"><th scope="row">${agency}</th><td>${words.count(bets)}</td>` +
    `<td>${words.count(winners)}</td><td><ul>${shown.join("")}</ul></td></tr>`;
}

function escape(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character]);
}
