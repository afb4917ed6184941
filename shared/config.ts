/**
 * Typed reading of settings: from the environment, else a file, else the default. One error reports
 * all faults, so that an operator can fix a configuration in one go.
 *
 * @module
 */

import { escapeMessage, quoteText } from "./readable.ts";

/** Lists all faults in a program's settings, one line each. */
export class SettingsError extends Error {
  override name = "SettingsError";
  readonly faults: readonly string[];

  constructor(program: string, faults: readonly string[]) {
    // They quote what is in files.
    const readable = faults.map(escapeMessage);
    const list = readable.map((fault) => `  - ${fault}`).join("\n");
    super(`Cannot start ${program}: fix these settings:\n${list}`);
    this.faults = readable;
  }
}

/** Where settings come from. */
export interface SettingsSources {
  /** The program's name, for the error. */
  program: string;
  /** Looks up a variable in the environment, as `Deno.env.get` does. */
  environment: (name: string) => string | undefined;
  /** The file's settings by name, as text. */
  file: Readonly<Record<string, string>>;
  /** The file's name in messages. */
  fileName: string;
  /** Whether there is no such file. @default {false} */
  isFileMissing?: boolean;
  /** Maps a setting's name in the file to its name in the environment. @default {the same name} */
  environmentName?: (name: string) => string;
  /** Looks up the flag that overrides a variable of the environment. @default {there is none} */
  flagOf?: (variable: string) => Flag | undefined;
}

/** A flag of the command line. */
export interface Flag {
  /** Its name in messages, `--batch-size`. */
  name: string;
  /** Its value, if it was given. */
  value?: string;
}

/** The trimmed text of a setting, and where it was found. */
interface Found {
  text: string;
  place: string;
}

/** The rule of an integer setting. */
export interface IntegerRule {
  min: number;
  max: number;
  /** The value of a missing setting. Without a default, a missing setting is a fault. */
  default?: number;
}

/**
 * Reads settings one by one and collects their faults. A faulty setting reads as some valid value;
 * {@linkcode finish} then throws, so that value is never used.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SettingsReader } from "./config.ts";
 *
 * const settings = new SettingsReader({
 *   program: "server",
 *   environment: (name) => ({ SERVER_PORT: "12345" })[name],
 *   file: { LOGGING_LEVEL: "INFO" },
 *   fileName: "server/config.ini",
 * });
 * const port = settings.integer("SERVER_PORT", { min: 0, max: 65535 });
 * const level = settings.oneOf("LOGGING_LEVEL", ["DEBUG", "INFO"]);
 * settings.finish();
 *
 * assertEquals([port, level], [12345, "INFO"]);
 * ```
 */
export class SettingsReader {
  readonly #sources: SettingsSources;
  readonly #names = new Set<string>();
  readonly #faults: string[] = [];
  /** Environment variables of the settings that a missing file should have set. */
  readonly #unset: string[] = [];

  constructor(sources: SettingsSources) {
    this.#sources = sources;
  }

  /** Reads a text that is not empty. Without a default, a missing one is a fault. */
  text(name: string, defaultText?: string): string {
    return this.#find(name, defaultText)?.text ?? "";
  }

  /** Reads an integer within `rule`, in decimal digits. */
  integer(name: string, rule: IntegerRule): number {
    const found = this.#find(name, rule.default?.toString());
    if (found === undefined) return rule.min;
    const value = /^\d{1,15}$/.test(found.text) ? Number(found.text) : NaN;
    if (value >= rule.min && value <= rule.max) return value;
    this.fault(`${name} is ${quote(found)}: give an integer from ${rule.min} to ${rule.max}`);
    return rule.min;
  }

  /** Reads `true` or `false`. */
  flag(name: string, defaultFlag: boolean): boolean {
    return this.oneOf(name, ["true", "false"], String(defaultFlag)) === "true";
  }

  /** Reads one of `choices`. */
  oneOf<Choice extends string>(
    name: string,
    choices: readonly Choice[],
    defaultChoice?: Choice,
  ): Choice {
    const found = this.#find(name, defaultChoice);
    if (found === undefined) return choices[0];
    const choice = choices.find((choice) => choice === found.text);
    if (choice === undefined) {
      this.fault(`${name} is ${quote(found)}: give one of ${choices.join(", ")}`);
    }
    return choice ?? choices[0];
  }

  /** Reads an IPv4 address in dotted decimals. */
  ipv4(name: string, defaultAddress?: string): string {
    const found = this.#find(name, defaultAddress);
    if (found === undefined) return "";
    if (!isIpv4(found.text)) {
      this.fault(`${name} is ${quote(found)}: give an IPv4 address such as 172.25.125.255`);
    }
    return found.text;
  }

  /** Adds a fault found by the caller. */
  fault(message: string): void {
    this.#faults.push(message);
  }

  /**
   * Ends the reading.
   *
   * @throws {SettingsError} If there was any fault, or the file has a setting that was not read.
   */
  finish(): void {
    for (const name of Object.keys(this.#sources.file)) {
      if (this.#names.has(name)) continue;
      const near = nearest(name, [...this.#names]);
      const hint = near === undefined ? "remove it" : `did you mean ${near}?`;
      this.fault(`${name} in ${this.#sources.fileName} is not a setting: ${hint}`);
    }
    if (this.#unset.length > 0) {
      const variables = this.#unset.join(", ");
      const { fileName } = this.#sources;
      this.fault(`${fileName} does not exist: restore it, or set ${variables} in the environment`);
    }
    if (this.#faults.length > 0) throw new SettingsError(this.#sources.program, this.#faults);
  }

  #find(name: string, defaultText?: string): Found | undefined {
    this.#names.add(name);
    const { environment, environmentName = (same) => same, file } = this.#sources;
    const { fileName, isFileMissing = false } = this.#sources;
    const variable = environmentName(name);
    const flag = this.#sources.flagOf?.(variable);
    const fromFlag = flag?.value?.trim();
    if (flag && fromFlag) return { text: fromFlag, place: flag.name };
    const fromEnvironment = environment(variable)?.trim();
    if (fromEnvironment) return { text: fromEnvironment, place: `${variable} in the environment` };
    const fromFile = Object.hasOwn(file, name) ? file[name].trim() : "";
    if (fromFile !== "") return { text: fromFile, place: fileName };
    if (defaultText !== undefined) return { text: defaultText, place: "its default" };
    if (isFileMissing) {
      this.#unset.push(variable);
      return undefined;
    }
    const places = flag === undefined
      ? `or ${variable} in the environment`
      : `${variable} in the environment, or give ${flag.name}`;
    this.fault(`${name} is missing: set it in ${fileName}, ${places}`);
  }
}

function quote({ text, place }: Found): string {
  return `${quoteText(text)} (${place})`;
}

/** Returns whether `text` is an IPv4 address in dotted decimals. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/**
 * Splits `host:port`, the form of `server.address`.
 *
 * @returns `undefined` if the text has another form.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseAddress } from "./config.ts";
 *
 * assertEquals(parseAddress("server:12345"), { host: "server", port: 12345 });
 * assertEquals(parseAddress("server"), undefined);
 * ```
 */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 ? { host: match[1], port } : undefined;
}

/** Returns which of `names` a misspelled name most likely meant; `undefined` if none is near. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const distances = names.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  distances.sort((a, b) => a.distance - b.distance);
  const best = distances.at(0);
  return best !== undefined && best.distance <= Math.ceil(name.length / 3)
    ? best.candidate
    : undefined;
}

/** Counts the letters to add, drop or change to turn `a` into `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
