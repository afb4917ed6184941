import { assertEquals } from "@std/assert";
import { existsInProject, filesBelow, readProjectFile } from "./testing.ts";

const files = filesBelow("");
const documents = files.filter((path) => path.endsWith(".md"));
const fileNames = new Set(files.map((path) => path.slice(path.lastIndexOf("/") + 1)));
/** Paths that only exist after a task has run, and placeholders such as `tools/NAME.ts`. */
const NOT_IN_CHECKOUT = /^(\.cache|dist|archive|draws|audit|server\/shared-volume)\/|\bNAME/;
const CODE_BLOCK = /^```(.*)\n([^]*?)^```$/gm;

/** Returns a document without its code blocks. */
function proseOf(document: string): string {
  return document.replaceAll(CODE_BLOCK, "");
}

/** Returns the anchors of a document's headings, as forges form them. */
function anchorsOf(document: string): string[] {
  const headings = proseOf(document).matchAll(/^#+ (.*)$/gm);
  return Array.from(
    headings,
    ([, heading]) =>
      heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
  );
}

/** Returns the target of a relative link, as a path below the project's root. */
function targetOf(link: string, documentPath: string): string {
  const root = new URL("file:///");
  return decodeURIComponent(new URL(link, new URL(documentPath, root)).pathname).slice(1);
}

function brokenLinks(path: string): string[] {
  const links = Array.from(
    proseOf(readProjectFile(path)).matchAll(/\]\(([^)\s]+)\)/g),
    (m) => m[1],
  );
  return links.filter((link) => !/^[a-z]+:/.test(link)).filter((link) => {
    const [, anchor] = link.split("#");
    const target = link.startsWith("#") ? path : targetOf(link, path);
    if (!existsInProject(target)) return true;
    return anchor !== undefined && !anchorsOf(readProjectFile(target)).includes(anchor);
  });
}

/** Returns the paths in backticks, and the modules that commands name. */
function pathsIn(document: string): string[] {
  const inline = proseOf(document).matchAll(/`((?:[\w.-]+\/)+(?:[\w.-]+\.\w+)?)`/g);
  const blocks = Array.from(document.matchAll(CODE_BLOCK)).filter(([, language]) =>
    language === "sh"
  );
  const commands = blocks.flatMap(([, , text]) =>
    Array.from(text.matchAll(/(?<=\s)(?:[\w.-]+\/)+[\w.-]+\.ts(?=\s)/g))
  );
  return [...Array.from(inline, ([, path]) => path), ...commands.map(([path]) => path)];
}

Deno.test("every relative link of the documents leads to a file, and to a heading of it", () => {
  const broken = documents.map((path) => [path, brokenLinks(path)]);
  assertEquals(broken.filter(([, links]) => links.length > 0), []);
});

Deno.test("every path that the documents name exists", () => {
  const missing = documents.map((path) => {
    const paths = pathsIn(readProjectFile(path)).filter((named) => !NOT_IN_CHECKOUT.test(named));
    // A page about one folder may name paths as seen from there.
    const exists = (named: string) =>
      existsInProject(named) || existsInProject(targetOf(named, path));
    return [path, paths.filter((named) => !exists(named))];
  });
  assertEquals(missing.filter(([, paths]) => paths.length > 0), []);
});

Deno.test("every module that the documents name without its folder exists", () => {
  const missing = documents.map((path) => {
    const names = readProjectFile(path).matchAll(/`([a-z][\w.-]*\.ts)`/g);
    return [path, Array.from(names, ([, name]) => name).filter((name) => !fileNames.has(name))];
  });
  assertEquals(missing.filter(([, names]) => names.length > 0), []);
});
