/**
 * Where a lottery keeps its bets, as LEDGER in .env says it: in files, on three nodes that `up` runs, or on a
 * cluster that others run.
 *
 * @module
 */

import { quoteText } from "../../shared/readable.ts";
import { TASK } from "../project.ts";

/** Where the bets are. */
export type LedgerChoice =
  /** In the files of the volume. */
  | { kind: "files" }
  /** On three nodes of JetStream that `up` starts, and whose data is on the volume. */
  | { kind: "nodes" }
  /** On the nodes of a cluster that is there already. `url` is LEDGER of the servers. */
  | { kind: "cluster"; url: string };

/** How `--ledger` and LEDGER are written, for usage texts. */
export const LEDGER_FORMS =
  "files, jetstream (three nodes that up starts), or nodes such as nats://host1,host2,host3";

/** Parses LEDGER. Returns nothing if it is none of its forms; servers check the addresses. */
export function parseLedger(text: string): LedgerChoice | undefined {
  if (text === "" || text === "files") return { kind: "files" };
  if (text === "jetstream") return { kind: "nodes" };
  return /^(nats|tls):\/\/./.test(text) ? { kind: "cluster", url: text } : undefined;
}

/** Returns what is wrong with a text that {@linkcode parseLedger} does not understand. */
export function ledgerFault(text: string): string {
  return `LEDGER is ${quoteText(text)}: give ${LEDGER_FORMS}`;
}

/** Returns the command of a task for a ledger, as a person types it. */
export function taskCommand(name: string, ledger: LedgerChoice): string {
  const flags = {
    files: "",
    nodes: " --ledger jetstream",
    cluster: ledger.kind === "cluster" ? ` --ledger ${ledger.url}` : "",
  };
  return `${TASK} ${name}${flags[ledger.kind]}`;
}

/** The flag of every task that can use either ledger. */
export const LEDGER_FLAG = { ledger: { type: "string" } } as const;

/**
 * Returns an environment in which a flag `--ledger` stands for LEDGER.
 *
 * @param flag The value of the flag, if it was given.
 */
export function environmentWithFlag(
  flag: string | undefined,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): (name: string) => string | undefined {
  return (name) => name === "LEDGER" ? flag ?? environment(name) : environment(name);
}
