/**
 * What tests find on the nodes of a cluster.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { parse } from "@std/csv";
import type { Address } from "../testing/ports.ts";
import { readDraw } from "../testing/stream_reader.ts";

/** Asserts that the streams hold exactly these bets, those of each agency in order. */
export async function assertStoredOnNodes(
  address: Address,
  bets: string[][],
  name = "lottery",
): Promise<void> {
  const draw = await readDraw({ address, name });
  const bodies = [...draw?.streams.values() ?? []].flat().map(({ body }) => body);
  const text = bodies.map((body) => new TextDecoder().decode(body)).join("");
  assertSameBets(text, bets);
}

/** Asserts that rows in the form of bets.csv are exactly these bets, those of each agency in order. */
export function assertSameBets(text: string, bets: string[][]): void {
  const stored: string[][] = bets.map(() => []);
  for (const [agency, ...row] of parse(text)) stored[Number(agency) - 1].push(row.join(","));
  for (const [index, rows] of bets.entries()) {
    assertEquals(stored[index].length, rows.length, `number of bets of agency ${index + 1}`);
    const different = rows.findIndex((row, at) => row !== stored[index][at]);
    assertEquals(different, -1, `agency ${index + 1}: bet ${different + 1} differs`);
  }
}
