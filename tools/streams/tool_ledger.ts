/**
 * The ledger that a task works on: that of `up`, or that of a server's settings.
 *
 * @module
 */

import type { NatsSettings } from "../../server/ledger/ledger_settings.ts";
import { FatalLedgerError } from "../../server/ledger/fatal_error.ts";
import { readServerSettings, type ServerSettings } from "../../server/settings.ts";
import { SettingsError } from "../../shared/config.ts";
import { UsageError } from "../command.ts";
import { NATS_PORTS } from "../nodes/node_config.ts";
import { localMonitoring, nodesTag } from "../nodes/nodes.ts";
import { isAnyRunning } from "../nodes/readiness.ts";
import { PROJECT_ROOT, TaskError } from "../project.ts";
import { type LedgerChoice, ledgerFault, parseLedger } from "../run/ledger_choice.ts";
import { ledgerForProcesses } from "../run/ledger_nodes.ts";
import { borrowNodes } from "../run/borrowed_nodes.ts";
import { variablesIn } from "../run/docker.ts";
import { openStreams, type StreamLedger } from "./stream_ledger.ts";

/** The ledger of a task. */
export interface ToolLedger {
  choice: LedgerChoice;
  /** NODE_PORT. */
  nodePort: number;
  /** The settings of a server with that ledger. */
  server: ServerSettings;
}

/** A {@linkcode ToolLedger} on JetStream. */
export type StreamToolLedger = ToolLedger & { server: { ledger: NatsSettings } };

/** Where {@linkcode readToolLedger} looks. */
export interface ToolLedgerSources {
  /** The value of `--ledger`, if it was given. */
  flag?: string;
  /** @default {Deno.env.get} */
  environment?: (name: string) => string | undefined;
  /** @default {Deno.readTextFileSync} */
  readFile?: (path: string) => string;
  /** What the task does, for messages. */
  action: string;
}

/**
 * Finds the ledger: `--ledger`, else LEDGER in the environment, in .env or in server/config.ini.
 *
 * @throws {UsageError} If settings are invalid, or .env and config.ini name different ledgers.
 */
export function readToolLedger(sources: ToolLedgerSources): ToolLedger {
  const { flag, environment = (name) => Deno.env.get(name), readFile, action } = sources;
  const variables = variablesIn(`${PROJECT_ROOT}/.env`, readFile);
  const nodePort = Number(environment("NODE_PORT") || variables.NODE_PORT || NATS_PORTS.client);
  const given = flag ?? environment("LEDGER")?.trim();
  const text = given || variables.LEDGER || "";
  const read = (ledger: string) =>
    readSettings(action, (name) => name === "LEDGER" ? ledger : environment(name), readFile);
  const choice = parseLedger(text);
  if (choice === undefined) throw new UsageError(ledgerFault(text));
  if (given || choice.kind !== "files") {
    return {
      choice,
      nodePort,
      server: read(ledgerForProcesses({ ledger: choice, nodePort }).variable),
    };
  }
  // .env says files, or nothing: a server that was started by hand has its own setting.
  const server = read("");
  if (server.ledger.engine === "files") return { choice, nodePort, server };
  const { isTls, nodes } = server.ledger;
  const url = `${isTls ? "tls" : "nats"}://${nodes.join(",")}`;
  if (text === "files") {
    throw new UsageError(
      `Cannot ${action}: LEDGER is files in .env and ${url} in server/config.ini. Write the same in both, or choose ` +
        "with --ledger",
    );
  }
  return { choice: { kind: "cluster", url }, nodePort, server };
}

function readSettings(
  action: string,
  environment: (name: string) => string | undefined,
  readFile?: (path: string) => string,
): ServerSettings {
  try {
    return readServerSettings({ environment, readFile });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new UsageError(
      `Cannot ${action}: fix these settings of the server:` +
        error.faults.map((fault) => `\n  - ${fault}`).join(""),
    );
  }
}

/** Whether a ledger is on JetStream. */
export function isOnStreams(ledger: ToolLedger): ledger is StreamToolLedger {
  return ledger.server.ledger.engine === "nats";
}

/**
 * Whether nodes need not be started to reach a ledger: those of others run, and those that `up` starts may.
 *
 * @throws {TaskError} If a nats-server of others has one of the ports.
 */
export async function isReachable({ choice, nodePort }: ToolLedger): Promise<boolean> {
  return choice.kind !== "nodes" || await isAnyRunning(localMonitoring(nodePort), nodesTag());
}

/**
 * Opens the streams of a ledger for some work. Nodes that `up` would start are started for it, unless they run.
 *
 * @throws {TaskError} If they cannot be reached or started.
 */
export async function withStreams<Result>(
  ledger: StreamToolLedger,
  work: (streams: StreamLedger) => Promise<Result>,
): Promise<Result> {
  await using _nodes = await isReachable(ledger) ? undefined : await borrowNodes();
  await using streams = await openStreams(ledger.server.ledger);
  try {
    return await work(streams);
  } catch (cause) {
    if (cause instanceof FatalLedgerError) throw new TaskError(cause.message, { cause });
    throw cause;
  }
}
