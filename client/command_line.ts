/**
 * The arguments of the client.
 *
 * @module
 */

import { textFault } from "./environment.ts";

const COMMANDS = ["bet", "close", "winners", "progress"] as const;

/** What the client does. `run`, an agency's whole work, is the default. */
export type Command = (typeof COMMANDS)[number] | "run";

/** The values of flags, by the names of the environment variables that they override. */
export type Flags = Record<string, string | undefined>;

/** Flags without a value. */
const SWITCHES = ["legacy-server"];

/** The flags, and the environment variables that they override. */
const FLAGS = {
  id: "CLI_ID",
  address: "CLI_SERVER_ADDRESS",
  data: "CLI_DATA",
  result: "CLI_RESULT",
  "batch-size": "CLI_BATCH_SIZE",
  "log-level": "CLI_LOG_LEVEL",
  "log-format": "CLI_LOG_FORMAT",
  config: "CLI_CONFIG",
  "legacy-server": "CLI_LEGACY_SERVER",
  nombre: "NOMBRE",
  apellido: "APELLIDO",
  documento: "DOCUMENTO",
  nacimiento: "NACIMIENTO",
  numero: "NUMERO",
} as const;

/**
 * Parses the arguments.
 *
 * @returns The command with its flags, or the text to print instead.
 * @throws {TypeError} If the arguments are invalid.
 */
export async function readCommandLine(
  args: string[],
): Promise<{ command: Command; flags: Flags } | string> {
  // The usual start has no arguments. What is imported below takes long to load.
  if (args.length === 0) return { command: "run", flags: {} };
  const { parseArgs } = await import("node:util");
  const names = Object.keys(FLAGS);
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(
        names.map((
          name,
        ) => [name, { type: SWITCHES.includes(name) ? "boolean" : "string" } as const]),
      ),
      help: { type: "boolean", short: "h" },
      version: { type: "boolean" },
    },
  });
  if (values.help) return (await import("./usage.ts")).USAGE;
  if (values.version) return (await import("./version.ts")).VERSION;
  const command = COMMANDS.find((name) => name === positionals[0]);
  const surplus = positionals.slice(command === undefined ? 0 : 1);
  if (surplus.length > 0) {
    throw new TypeError(`Unknown command '${surplus[0]}': give one of ${COMMANDS.join(", ")}`);
  }
  for (const [flag, value] of Object.entries(values)) {
    const fault = typeof value === "string" ? textFault(value) : undefined;
    if (fault !== undefined) throw new TypeError(`--${flag} ${fault}`);
  }
  const given: Record<string, string | boolean | undefined> = values;
  const flags = Object.entries(FLAGS).map(([flag, variable]) => [
    variable,
    given[flag]?.toString(),
  ]);
  return { command: command ?? "run", flags: Object.fromEntries(flags) };
}
