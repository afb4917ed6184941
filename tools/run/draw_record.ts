/**
 * The record of a draw on its volume: how many agencies it has, since the settings may have changed after it
 * began. Nothing else reads or writes the file.
 *
 * @module
 */

import { unlessNotFound } from "../project.ts";

/** The file's name. */
export const DRAW_FILE = "draw.json";

/** Records the number of agencies of the draw. */
export async function recordAgencies(volume: string, agencies: number): Promise<void> {
  await Deno.writeTextFile(`${volume}/${DRAW_FILE}`, `${JSON.stringify({ agencies })}\n`);
}

/** Returns the recorded number of agencies of the draw, if there is one. */
export async function recordedAgencies(volume: string): Promise<number | undefined> {
  const text = await unlessNotFound(Deno.readTextFile(`${volume}/${DRAW_FILE}`)) ?? "";
  const agencies = Number(/"agencies":\s*(\d+)/.exec(text)?.[1]);
  return agencies > 0 ? agencies : undefined;
}
