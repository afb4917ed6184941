/**
 * `deno task keys`: gives keys to agencies, and takes them away.
 *
 * @module
 */

import { AGENCIES_MAX } from "../shared/mod.ts";
import { runCommand, UsageError } from "./command.ts";
import { TASK } from "./project.ts";
import { AgencyKeyRing, writeSecretFile } from "./run/agency_key_ring.ts";

const USAGE =
  `Gives keys to agencies, changes them, or takes them away. docs/security.md goes through it step by step.

Usage: ${TASK} keys COMMAND [AGENCY …] [--file FILE] [--to FOLDER]

  add AGENCY …     makes the first key of each agency, such as: add 1 2 5-9
  rotate AGENCY …  makes a new key of each agency; its old one is no longer valid
  revoke AGENCY …  takes the key of each agency away: it can take part no longer
  list             lists the agencies that have a key

  --file   the file of AGENCY_KEYS; by default AGENCY_KEYS in the environment. It is made if it does not exist
  --to     write each key to FOLDER/agency-N.key, which only you may read, instead of printing it
  --help   show this text

A key is printed once and kept nowhere: the file has only what servers need to recognize it. Servers notice a
change within five seconds, and end the connections of keys that are no longer valid.`;

interface Flags {
  file?: string;
  to?: string;
}

async function run({ file, to }: Flags, [command, ...words]: string[]): Promise<number> {
  const agencies = words.flatMap(parseAgencies);
  const isList = command === "list";
  if (!["add", "rotate", "revoke", "list"].includes(command)) {
    throw new UsageError(`Give one of add, rotate, revoke and list, not ${command ?? "nothing"}`);
  }
  if (isList !== (agencies.length === 0)) {
    throw new UsageError(
      isList ? "list takes no agencies" : `${command} needs agencies, such as 3`,
    );
  }
  if (new Set(agencies).size < agencies.length) throw new UsageError("An agency is named twice");
  const ring = new AgencyKeyRing(fileOf(file));
  switch (command) {
    case "add":
      await handOver(await ring.add(agencies), to);
      break;
    case "rotate":
      await handOver(await ring.rotate(agencies), to);
      break;
    case "revoke":
      ring.revoke(agencies);
      console.log(`Revoked the ${agencies.length === 1 ? "key" : "keys"} of ${nameAll(agencies)}`);
      break;
    case "list":
      console.log(ring.agencies.length === 0 ? "No agency has a key" : nameAll(ring.agencies));
  }
  return 0;
}

/** Prints keys, or writes them to files. */
async function handOver(keys: Map<number, string>, folder: string | undefined): Promise<void> {
  for (const [agency, key] of keys) {
    if (folder === undefined) console.log(`agency ${agency}: ${key}`);
    else {
      const path = `${folder}/agency-${agency}.key`;
      await writeSecretFile(path, `${key}\n`);
      console.log(`agency ${agency}: ${path}`);
    }
  }
}

function fileOf(flag: string | undefined): string {
  const path = flag ?? Deno.env.get("AGENCY_KEYS")?.trim();
  if (path) return path;
  throw new UsageError("Give the file of the keys with --file, or in AGENCY_KEYS");
}

/** Parses `3` or `5-9`. */
function parseAgencies(word: string): number[] {
  const [, first, last = first] = /^([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?$/.exec(word) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!(from <= to && to <= AGENCIES_MAX)) {
    throw new UsageError(
      `${word} is not an agency from 1 to ${AGENCIES_MAX}, nor a range such as 5-9`,
    );
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Returns `agency 3` or `agencies 1-3, 5`. */
function nameAll(agencies: readonly number[]): string {
  const ranges: [from: number, to: number][] = [];
  for (const agency of agencies.toSorted((one, other) => one - other)) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === agency - 1) range[1] = agency;
    else ranges.push([agency, agency]);
  }
  const texts = ranges.map(([from, to]) => from === to ? String(from) : `${from}-${to}`);
  return `${agencies.length === 1 ? "agency" : "agencies"} ${texts.join(", ")}`;
}

if (import.meta.main) {
  const options = { file: { type: "string" }, to: { type: "string" } } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, allowPositionals: true, run }));
}
