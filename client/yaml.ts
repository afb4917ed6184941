/**
 * Parses any YAML. The client loads this module only for a file that plain_yaml.ts does not know.
 *
 * @module
 */

import { parse } from "@std/yaml/parse";

/**
 * Parses YAML, and keeps all values as the texts in the file.
 *
 * @throws {SyntaxError} If it is not YAML.
 */
export function parseYaml(text: string): unknown {
  return parse(text, { schema: "failsafe" });
}
