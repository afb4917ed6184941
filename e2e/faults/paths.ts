/**
 * Places in the project.
 *
 * @module
 */

/** The path of a file, given relative to this folder. */
export function placeOf(relative: string): string {
  const { pathname } = new URL(relative, import.meta.url);
  const path = decodeURIComponent(pathname);
  return Deno.build.os === "windows" ? path.slice(1).replaceAll("/", "\\") : path;
}
