/**
 * Clients as processes.
 *
 * @module
 */

import { clientPermissions } from "../tools/run/permissions.ts";
import { clientEnvironment, type ClientParameters } from "./lottery_environment.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** Options of {@linkcode startClient}. */
export interface ClientOptions extends ClientParameters {
  /** The client as an executable file. @default {its source, run by Deno} */
  executable?: string;
  /** Its arguments. @default {none} */
  args?: string[];
  /** Further settings; they override the others. */
  env?: Record<string, string>;
  /** Changes the program, for example to run it on another host. @default {no change} */
  adapt?: (program: ProgramOptions) => ProgramOptions;
}

/** Starts a client, which sends all bets of an agency and asks for its winners. */
export function startClient(
  { executable, args = [], env, adapt = (program) => program, ...parameters }: ClientOptions,
): Program {
  return new Program(adapt({
    name: `client${parameters.agency}`,
    command: executable,
    args: executable === undefined
      ? ["run", "--quiet", ...clientPermissions(), "client/main.ts", ...args]
      : args,
    env: { ...clientEnvironment(parameters), ...env },
  }));
}
