/**
 * Reads settings from a YAML file.
 *
 * @module
 */

/** The settings of a file, all as text. */
export interface YamlSettings {
  /** The values by name; those of a section by names such as `log.level`. */
  settings: Record<string, string>;
  /** The file that was read, or was to be read. */
  fileName: string;
  /** Why the file, or a part of it, cannot be used. */
  fault?: string;
  /** Whether the file must exist and does not. */
  isMissing?: boolean;
}

/**
 * Parses a file into texts and sections of them.
 *
 * @throws {SyntaxError} If it is not YAML. Any other error is passed on to the caller of {@linkcode readYamlFile}.
 */
export type ParseYaml = (text: string) => unknown;

/** Options of {@linkcode readYamlFile}. */
export interface YamlFileOptions {
  readFile: (path: string) => string;
  parse: ParseYaml;
  /** Whether it is a fault if none of the files exists. @default {false} */
  mustExist?: boolean;
}

/** Reads the settings of the first of `fileNames` that exists. */
export function readYamlFile(
  fileNames: readonly string[],
  { readFile, parse, mustExist = false }: YamlFileOptions,
): YamlSettings {
  for (const fileName of fileNames) {
    let text;
    try {
      text = readFile(fileName);
    } catch (error) {
      const isMissing = error instanceof Deno.errors.NotFound;
      if (isMissing && !mustExist) continue;
      const fault = isMissing
        ? `${fileName} does not exist: name the file that has the settings`
        : `${fileName} cannot be read: ${(error as Error).message}`;
      return { settings: {}, fileName, fault, isMissing };
    }
    return parseSettings(text, fileName, parse);
  }
  return { settings: {}, fileName: fileNames[0] };
}

function parseSettings(text: string, fileName: string, parse: ParseYaml): YamlSettings {
  try {
    return flatten(parse(text) ?? {}, fileName);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { settings: {}, fileName, fault: `${fileName} is not valid YAML: ${error.message}` };
  }
}

function flatten(content: unknown, fileName: string): YamlSettings {
  const settings: Record<string, string> = {};
  if (typeof content === "string") {
    return { settings, fileName, fault: `${fileName} does not contain settings` };
  }
  let fault: string | undefined;
  const add = (value: unknown, path: string): void => {
    if (typeof value === "string" || value === null || value === undefined) {
      settings[path] = value ?? "";
    } else if (typeof value === "object" && !Array.isArray(value)) {
      const prefix = path === "" ? "" : `${path}.`;
      for (const [key, inner] of Object.entries(value)) add(inner, `${prefix}${key}`);
    } else fault = `${path || "the content"} in ${fileName} is a list: give one value`;
  };
  add(content, "");
  return { settings, fileName, fault };
}
