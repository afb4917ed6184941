import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { drawRecord } from "../testing/draw_record.ts";
import { needs } from "../testing/needs.ts";
import { openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { Board } from "./board.ts";
import { DrawRecords } from "./draw_records.ts";
import { EventStreams, STREAMS_MAX } from "./event_stream.ts";
import type { BoardState } from "./state.ts";
import { contentOf, viewOf } from "./testing.ts";
import { Website } from "./website.ts";

const RECORD = drawRecord({
  id: "a",
  winningNumber: 7574,
  agencies: [{ bets: 1500, documents: ['<b>&"30904465'] }],
});

function setUp({ language = "auto" as const, records: texts = { a: RECORD } } = {}) {
  const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: () => {} });
  const view = { bets: [0] };
  const records = new DrawRecords({
    folder: "",
    documents: "full",
    readFile: (path) => {
      const text = (texts as Record<string, string>)[path.split("/")[1]];
      if (text === undefined) return Promise.reject(new Deno.errors.NotFound());
      return Promise.resolve(contentOf(text));
    },
  });
  const board = new Board({ look: () => Promise.resolve(viewOf(view)), records, log });
  const streams = new EventStreams(board);
  const website = new Website({ streams, records, language });
  const ask = (path: string, init?: RequestInit) =>
    website.answer(new Request(`http://localhost:8080${path}`, init));
  return { ask, board, streams, view };
}

/** Reads states from a stream of events. */
async function* statesOf(response: Response): AsyncGenerator<BoardState> {
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const message = text.slice(0, end);
      text = text.slice(end + 2);
      if (message.startsWith("data: ")) yield JSON.parse(message.slice("data: ".length));
    }
  }
}

Deno.test(
  needs(["read"], "Website serves the page and its files, which load nothing from elsewhere"),
  async () => {
    const { ask } = setUp();
    const page = await ask("/");
    const html = await page.text();
    assertEquals(page.status, 200);
    const policy = page.headers.get("content-security-policy")!;
    assertStringIncludes(policy, "default-src 'none'");
    assert(!/unsafe|https?:|\*/.test(policy), policy);
    // Neither scripts nor styles inside the page, which the policy would refuse.
    assert(!/<style|style=|\son\w+=|<script(?![^>]*src=)/.test(html), html);
    const links = Array.from(html.matchAll(/(?:href|src)="([^"#]+)"/g), ([, link]) => link);
    assert(links.length >= 5);
    for (const link of links) {
      assertMatch(link, /^\/page\/[a-z_]+\.(css|js|svg)$/);
      const file = await ask(link);
      assertEquals(file.status, 200, link);
      assertEquals(file.headers.get("x-content-type-options"), "nosniff");
      await file.body?.cancel();
    }
  },
);

Deno.test(needs(["read"], "Website answers nothing but its pages"), async () => {
  const { ask } = setUp();
  for (const path of ["/page/", "/page/../main.ts", "/page/%2e%2e/main.ts", "/main.ts", "/x"]) {
    assertEquals((await ask(path)).status, 404, path);
  }
  assertEquals((await ask("/page/none.js")).status, 404);
  const post = await ask("/", { method: "POST" });
  assertEquals([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  const health = await ask("/healthz");
  assertEquals([health.status, await health.text()], [200, "healthy\n"]);
});

Deno.test(needs(["read"], "Website tells the page which language the board speaks"), async () => {
  const { ask } = setUp({ language: "es" as "auto" });
  assertStringIncludes(await (await ask("/")).text(), 'data-language="es"');
  assertStringIncludes(await (await ask("/draws/a")).text(), '<html lang="es">');
});

Deno.test("Website serves the states of the board as a stream", async () => {
  const { ask, board, streams, view } = setUp();
  await board.look();
  const response = await ask("/events");
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  const states = statesOf(response);
  const first = (await states.next()).value!;
  assertEquals([first.bets, first.events.length], [0, 1]);
  view.bets = [7];
  await board.look();
  const second = (await states.next()).value!;
  assertEquals([second.bets, second.events.length, second.board], [7, 0, first.board]);
  streams.close();
  assertEquals((await states.next()).done, true);
  assertEquals((await ask("/events")).status, 503);
});

Deno.test("EventStreams loses no event for a page that does not keep up", async () => {
  const { ask, board, view } = setUp();
  await board.look();
  const response = await ask("/events");
  for (let look = 0; look < 1000; look++) {
    view.bets = [look];
    await board.look();
  }
  view.bets = [-1000];
  await board.look();
  const kinds: string[] = [];
  let count = 0;
  for await (const { events } of statesOf(response)) {
    count++;
    kinds.push(...events.map(({ kind }) => kind));
    if (kinds.includes("recorded")) break;
    await board.look();
  }
  assertEquals(kinds, ["found", "closed", "drawn", "recorded"]);
  // It did not store a thousand states for it.
  assert(count < 10, String(count));
});

Deno.test("EventStreams refuses more pages than it can keep up to date, until others leave", async () => {
  const { ask, board } = setUp();
  await board.look();
  const responses = await Promise.all(Array.from({ length: STREAMS_MAX }, () => ask("/events")));
  const refused = await ask("/events");
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  await responses[7].body!.cancel();
  const accepted = await ask("/events");
  assertEquals(accepted.status, 200);
  for (const response of [...responses.filter((_, index) => index !== 7), accepted]) {
    await response.body!.cancel();
  }
});

Deno.test("Website shows the certificate of a draw, in the language that is asked for", async () => {
  const { ask } = setUp({ records: { a: RECORD, b: "{" } as unknown as { a: string } });
  const page = await ask("/draws/a");
  const html = await page.text();
  assertEquals(page.status, 200);
  assertStringIncludes(html, "Certificate of a draw");
  assertStringIncludes(html, "<strong>7574</strong>");
  assertStringIncludes(html, "&lt;b&gt;&amp;&quot;30904465");
  assertStringIncludes(html, '<tr id="agency-1"><th scope="row">1</th><td>1,500</td><td>1</td>');
  const spanish = await ask("/draws/a", { headers: { "accept-language": "es-AR,es;q=0.9" } });
  assertStringIncludes(await spanish.text(), "Certificado de un sorteo");
  assertStringIncludes(await (await ask("/draws/a?lang=es")).text(), "<td>1.500</td>");
  const none = await ask("/draws/none");
  assertEquals(none.status, 404);
  assertStringIncludes(await none.text(), "There is no record of this draw.");
  const broken = await ask("/draws/b");
  assertEquals(broken.status, 500);
  assertStringIncludes(await broken.text(), "cannot be read");
  assertEquals((await ask("/draws/..%2fa")).status, 404);
});
