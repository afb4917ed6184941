import { assertEquals, assertRejects } from "@std/assert";
import { createHash } from "node:crypto";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { fetchNpmPackages } from "./npm_package.ts";

/** A tarball of package.json, which names a dependency, and mod.js, `export {};`. */
const TARBALL = Uint8Array.fromBase64(
  "H4sIAAAAAAACA+3TSwqDMBRA0Yy7ipAFaKJSoV2NaOiPmqApFMS9136g4KBOWsFyz+SFl0BG1xflqdjZ2D9ndGxdLb" +
    "5MD9ZZ9piD8dQ6S9/n+96kaZ4KqcUMLm0oGilF41z49G7qfqE6VVlv68rW5cG2atMpF/a2URtlIh1p1fcrgf/16j4+" +
    "u2po/zd/TPZvxv0nicnpfw726l0TZNdv6RwAAAAAAAAAAAAAAGCJbiFFOQ8AKAAA",
);
const INTEGRITY = `sha512-${createHash("sha512").update(TARBALL).digest("base64")}`;
const WANTED = { name: "wanted", version: "1.0.0", integrity: INTEGRITY };

/** Serves the tarball as an npm registry does, and makes it the registry of this process. */
class Registry implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    this.requests.push(new URL(url).pathname);
    return new Response(TARBALL);
  });
  readonly #before = Deno.env.get("NPM_CONFIG_REGISTRY");

  constructor() {
    Deno.env.set("NPM_CONFIG_REGISTRY", `http://127.0.0.1:${this.#server.addr.port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#before === undefined) Deno.env.delete("NPM_CONFIG_REGISTRY");
    else Deno.env.set("NPM_CONFIG_REGISTRY", this.#before);
    await this.#server.shutdown();
  }
}

const fetchesPackages = (name: string) => needs(["write", "run", "env", "net"], name);

Deno.test(
  fetchesPackages("fetchNpmPackages() unpacks the pinned package, and fetches nothing else"),
  async () => {
    await using temp = await tempFolder();
    await using registry = new Registry();
    const folders = await fetchNpmPackages([WANTED], temp.path);
    assertEquals(await Deno.readTextFile(`${folders.get("wanted")}/mod.js`), "export {};\n");
    const others = registry.requests.filter((path) => !path.startsWith("/wanted"));
    assertEquals(others, [], "no dependency");
  },
);

Deno.test(
  fetchesPackages("fetchNpmPackages() throws when the package is not the pinned one"),
  async () => {
    await using temp = await tempFolder();
    await using _registry = new Registry();
    const other = { ...WANTED, integrity: `sha512-${"A".repeat(86)}==` };
    await assertRejects(
      () => fetchNpmPackages([other], temp.path),
      Error,
      "cannot fetch wanted@1.0.0: error: Failed caching npm package 'wanted@1.0.0' Caused by: " +
        "Tarball checksum did not match",
    );
  },
);
