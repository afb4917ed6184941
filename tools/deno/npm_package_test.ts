import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { fetchNpmPackages, IntegrityError, unpackTar } from "./npm_package.ts";
import { runsPrograms, tempFolder, writesFiles } from "../testing.ts";

Deno.test(
  writesFiles("unpackTar() writes the files of a tar that comes in single bytes"),
  async () => {
    await using temp = await tempFolder();
    const tar = tarOf([
      { path: "package/mod.js", content: "export {};\n" },
      { path: "package/empty", content: "" },
      { path: "package/link", content: "", type: "2" },
      { path: "package/deep/block", content: "b".repeat(512) },
    ]);
    const bytes = ReadableStream.from([...tar].map((byte) => Uint8Array.of(byte)));
    await unpackTar(bytes, temp.path);
    assertEquals(await Deno.readTextFile(`${temp.path}/package/mod.js`), "export {};\n");
    assertEquals(await Deno.readTextFile(`${temp.path}/package/empty`), "");
    assertEquals(await Deno.readTextFile(`${temp.path}/package/deep/block`), "b".repeat(512));
    await assertRejects(() => Deno.lstat(`${temp.path}/package/link`), Deno.errors.NotFound);
  },
);

Deno.test(writesFiles("unpackTar() takes the long name out of a pax header"), async () => {
  await using temp = await tempFolder();
  const path = `package/${"long/".repeat(40)}name.js`;
  const tar = tarOf([
    { path: "PaxHeader", content: `215 path=${path}\n`, type: "x" },
    { path: "package/short", content: "1" },
    { path: "package/next", content: "2" },
  ]);
  await unpackTar(ReadableStream.from([tar]), temp.path);
  assertEquals(await Deno.readTextFile(`${temp.path}/${path}`), "1");
  assertEquals(await Deno.readTextFile(`${temp.path}/package/next`), "2");
});

Deno.test(writesFiles("unpackTar() refuses a path that leads out of the folder"), async () => {
  await using temp = await tempFolder();
  for (const path of ["package/../../evil", "/evil"]) {
    const tar = tarOf([{ path, content: "x" }]);
    await assertRejects(() => unpackTar(ReadableStream.from([tar]), temp.path), Error, path);
  }
});

Deno.test(writesFiles("unpackTar() refuses a tar that ends too early"), async () => {
  await using temp = await tempFolder();
  const tar = tarOf([{ path: "package/cut", content: "c".repeat(700) }]).subarray(0, 900);
  await assertRejects(
    () => unpackTar(ReadableStream.from([tar]), temp.path),
    Error,
    "ends too early",
  );
});

Deno.test(
  runsPrograms("fetchNpmPackages() unpacks what npm brings when it is the pinned package"),
  async () => {
    await using temp = await tempFolder();
    const tarball = await gzip(tarOf([{ path: "package/mod.js", content: "1" }]));
    const npm = await npmThatBrings(tarball, temp.path);
    const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    const folders = await fetchNpmPackages([{ name: "wanted", version: "1.0.0", integrity }], {
      into: temp.path,
      npm,
    });
    assertEquals(await Deno.readTextFile(`${folders.get("wanted")}/mod.js`), "1");
  },
);

Deno.test(
  runsPrograms("fetchNpmPackages() refuses a package that is not the pinned one"),
  async () => {
    await using temp = await tempFolder();
    const npm = await npmThatBrings(await gzip(tarOf([])), temp.path);
    const wanted = { name: "wanted", version: "1.0.0", integrity: "sha512-other" };
    const error = await assertRejects(
      () => fetchNpmPackages([wanted], { into: temp.path, npm }),
      IntegrityError,
    );
    assertStringIncludes(error.message, "wanted@1.0.0");
  },
);

interface TarEntry {
  path: string;
  content: string;
  type?: string;
}

/** A tar as npm writes it, as far as unpacking looks at it: without checksums. */
function tarOf(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const blocks = entries.flatMap(({ path, content, type = "0" }) => {
    const header = new Uint8Array(512);
    const body = encoder.encode(content);
    header.set(encoder.encode(path), 0);
    header.set(encoder.encode(body.length.toString(8).padStart(11, "0")), 124);
    header.set(encoder.encode(type), 156);
    const padded = new Uint8Array(Math.ceil(body.length / 512) * 512);
    padded.set(body);
    return [header, padded];
  });
  return new Uint8Array([...blocks, new Uint8Array(1024)].flatMap((block) => [...block]));
}

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const zipped = ReadableStream.from([bytes]).pipeThrough(new CompressionStream("gzip"));
  return await new Response(zipped).bytes();
}

/** Writes a program that behaves as `npm pack` does when it brings this tarball. */
async function npmThatBrings(tarball: Uint8Array, folder: string): Promise<string> {
  await Deno.writeFile(`${folder}/tarball`, tarball);
  const npm = `${folder}/npm`;
  await Deno.writeTextFile(npm, `#!/bin/sh\ncp "${folder}/tarball" wanted-1.0.0.tgz\n`);
  await Deno.chmod(npm, 0o755);
  return npm;
}
