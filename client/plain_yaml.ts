/**
 * Parses the plain form of YAML in which settings are mostly written: `key: value`, in sections of one level.
 *
 * @module
 */

/** A text uses more of YAML than {@linkcode parsePlainYaml} knows, or is not YAML. */
export class UncommonYamlError extends Error {
  override name = "UncommonYamlError";
}

/** A key, and a text in double quotes or of characters that mean nothing in YAML. A comment may follow. */
const ENTRY =
  /^( *)([a-z]\w*):(?: +(?:"([\w ./:-]*)"|([\w./](?:[\w./:-]*[\w./-])?)))?(?: *| +#.*)$/;

type Section = Record<string, string | null>;

/**
 * Parses settings. The result is that of parseYaml() in yaml.ts, which knows all of YAML but takes long to load.
 *
 * @throws {UncommonYamlError} If any line has another form.
 */
export function parsePlainYaml(text: string): Record<string, string | null | Section> {
  const settings: Record<string, string | null | Section> = {};
  /** Where the last key without a value stands in the text's first level. Indented lines follow it. */
  let opened: { name: string; indent: number } | undefined;
  for (const line of text.split("\n")) {
    if (isBlank(line)) continue;
    const entry = ENTRY.exec(line);
    if (entry === null) throw new UncommonYamlError(line);
    const [, { length: indent }, name, quoted, plain] = entry;
    const value = quoted ?? plain ?? null;
    if (indent === 0) {
      add(settings, name, value);
      opened = value === null ? { name, indent: 0 } : undefined;
      continue;
    }
    if (opened === undefined || value === null) throw new UncommonYamlError(line);
    if (opened.indent === 0) {
      opened.indent = indent;
      settings[opened.name] = {};
    }
    if (indent !== opened.indent) throw new UncommonYamlError(line);
    add(settings[opened.name] as Section, name, value);
  }
  return settings;
}

/** Whether a line has no content. */
function isBlank(line: string): boolean {
  let at = 0;
  while (line[at] === " ") at++;
  return at === line.length || line[at] === "#";
}

function add(into: Record<string, unknown>, name: string, value: unknown): void {
  if (Object.hasOwn(into, name)) throw new UncommonYamlError(`${name} is given twice`);
  into[name] = value;
}
