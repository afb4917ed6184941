/**
 * The arguments of programs that have no flags of their own.
 *
 * @module
 */

import { parseArgs } from "node:util";
import config from "../deno.json" with { type: "json" };

/**
 * Handles the arguments of a program that has no flags but `--help` and `--version`, before it does anything
 * else.
 *
 * @returns The exit code, if the program has to end: 0 after it has printed its usage or version, 2 after any
 * other argument. `undefined` without arguments.
 */
export function handleArguments(args: string[], usage: string): number | undefined {
  try {
    const { values: { help, version } } = parseArgs({
      args,
      options: { help: { type: "boolean", short: "h" }, version: { type: "boolean" } },
    });
    if (!help && !version) return undefined;
    console.log(help ? usage : config.version);
    return 0;
  } catch (error) {
    // parseArgs throws TypeErrors that name the argument.
    if (!(error instanceof TypeError)) throw error;
    console.error(`${error.message}\n--help shows the usage.`);
    return 2;
  }
}
