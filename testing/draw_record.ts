/**
 * Records of draws as servers write them, of winners that are made up.
 *
 * @module
 */

/** A draw that is recorded. */
export interface RecordedDraw {
  id: string;
  winningNumber: number;
  /** Agency 1 first. */
  agencies: readonly { bets: number; documents: readonly string[] }[];
}

/** Returns the text of result.json. docs/record.md describes its lines. */
export function drawRecord({ id, winningNumber, agencies }: RecordedDraw): string {
  const at = "2026-11-27T10:00:00.000Z";
  const bets = agencies.reduce((sum, { bets }) => sum + bets, 0);
  const winners = agencies.reduce((sum, { documents }) => sum + documents.length, 0);
  const digest = "0".repeat(64);
  const lists = agencies.map(({ bets, documents }, index) => {
    const head = JSON.stringify({ agency: index + 1, bets, sha256: digest }).slice(0, -1);
    const lines = documents.map((document, at) =>
      `      ${JSON.stringify({ document, position: at + 1 })}`
    );
    return `    ${head},"winners":[\n${lines.join(",\n")}${lines.length > 0 ? "\n" : ""}    ]}`;
  });
  return `{
  "version": 2,
  "id": ${JSON.stringify(id)},
  "createdAt": ${JSON.stringify(at)},
  "drawnAt": ${JSON.stringify(at)},
  "winningNumber": ${winningNumber},
  "totals": ${JSON.stringify({ bets, winners })},
  "software": "1.0.0",
  "ledger": "files",
  "files": [],
  "audit": [],
  "agencies": [
${lists.join(",\n")}
  ],
  "text": ${JSON.stringify({ name: "result.txt", bytes: 1, sha256: digest })},
  "sha256": ${JSON.stringify(digest)}
}
`;
}

/** Writes the record of a draw into the folder of all records. */
export async function writeDrawRecord(folder: string, draw: RecordedDraw): Promise<void> {
  await Deno.mkdir(`${folder}/${draw.id}`, { recursive: true });
  await Deno.writeTextFile(`${folder}/${draw.id}/result.json`, drawRecord(draw));
}
