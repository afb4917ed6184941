/**
 * Typed reading of settings: the environment first, then a file, then the default. All faults are
 * found and told in one error, so that an operator mends a configuration in one go.
 *
 * @module
 */

/** Everything that is wrong with a program's settings, a line each in its message. */
export class SettingsError extends Error {
  override name = "SettingsError";
  readonly faults: readonly string[];

  constructor(program: string, faults: readonly string[]) {
    super(
      `Cannot start ${program}: mend these settings:\n${faults.map((f) => `  - ${f}`).join("\n")}`,
    );
    this.faults = faults;
  }
}

/** Where settings come from. */
export interface SettingsSources {
  /** What the settings are for: stands in the error. */
  program: string;
  /** Looks a name up in the environment, as `Deno.env.get` does. */
  environment: (name: string) => string | undefined;
  /** The file's settings by name, as text. */
  file: Readonly<Record<string, string>>;
  /** How a message names the file. */
  fileName: string;
  /** The name in the environment of a setting of the file. @default {the same name} */
  environmentName?: (name: string) => string;
}

/** A setting that was found, without the blanks around it, and the place it was found at. */
interface Found {
  text: string;
  place: string;
}

/** What a setting that is a number may be. */
export interface IntegerRule {
  min: number;
  max: number;
  /** Used where the setting is missing; without one, a missing setting is a fault. */
  default?: number;
}

/**
 * Reads settings one by one and collects what is wrong with them. A faulty setting reads as its rule's
 * least harmful value; {@linkcode finish} then throws, so that value is never used.
 */
export class SettingsReader {
  readonly #sources: SettingsSources;
  readonly #asked = new Set<string>();
  readonly #faults: string[] = [];

  constructor(sources: SettingsSources) {
    this.#sources = sources;
  }

  /** A text, not empty. Without a default, a missing one is a fault. */
  text(name: string, defaultText?: string): string {
    return this.#find(name, defaultText)?.text ?? "";
  }

  /** An integer within `rule`, in decimal digits. */
  integer(name: string, rule: IntegerRule): number {
    const found = this.#find(name, rule.default?.toString());
    if (found === undefined) return rule.min;
    const value = /^\d{1,15}$/.test(found.text) ? Number(found.text) : NaN;
    if (value >= rule.min && value <= rule.max) return value;
    this.fault(`${name} is ${quote(found)}: give an integer from ${rule.min} to ${rule.max}`);
    return rule.min;
  }

  /** `true` or `false`. */
  flag(name: string, defaultFlag: boolean): boolean {
    return this.oneOf(name, ["true", "false"], String(defaultFlag)) === "true";
  }

  /** One of `choices`. */
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

  /** An IPv4 address in dotted decimals. */
  ipv4(name: string, defaultAddress?: string): string {
    const found = this.#find(name, defaultAddress);
    if (found === undefined) return "";
    if (!isIpv4(found.text)) {
      this.fault(`${name} is ${quote(found)}: give an IPv4 address such as 172.25.125.255`);
    }
    return found.text;
  }

  /** Adds a fault that the caller has found. */
  fault(message: string): void {
    this.#faults.push(message);
  }

  /**
   * Ends the reading.
   *
   * @throws {SettingsError} If there was any fault, or the file has a setting nobody asked for.
   */
  finish(): void {
    for (const name of Object.keys(this.#sources.file)) {
      if (this.#asked.has(name)) continue;
      const near = nearest(name, [...this.#asked]);
      const hint = near === undefined ? "remove it" : `did you mean ${near}?`;
      this.fault(`${name} in ${this.#sources.fileName} is no setting: ${hint}`);
    }
    if (this.#faults.length > 0) throw new SettingsError(this.#sources.program, this.#faults);
  }

  #find(name: string, defaultText?: string): Found | undefined {
    this.#asked.add(name);
    const { environment, environmentName = (same) => same, file, fileName } = this.#sources;
    const variable = environmentName(name);
    const fromEnvironment = environment(variable)?.trim();
    if (fromEnvironment) return { text: fromEnvironment, place: `${variable} in the environment` };
    const fromFile = Object.hasOwn(file, name) ? file[name].trim() : "";
    if (fromFile !== "") return { text: fromFile, place: fileName };
    if (defaultText !== undefined) return { text: defaultText, place: "its default" };
    this.fault(`${name} is missing: set it in ${fileName}, or ${variable} in the environment`);
  }
}

function quote({ text, place }: Found): string {
  return `${JSON.stringify(text)} (${place})`;
}

/** Whether `text` is an IPv4 address in dotted decimals. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 &&
    parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/**
 * Splits `host:port`, as `server.address` gives it.
 *
 * @returns Nothing if the text is no such address.
 */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 ? { host: match[1], port } : undefined;
}

/** The one of `names` that a misspelt name most likely meant; nothing if none is near. */
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

/** Letters to add, drop or change to make `b` out of `a`. */
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
