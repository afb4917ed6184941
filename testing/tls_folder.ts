/**
 * An authority and its certificates, for the tests of TLS.
 *
 * @module
 */

import { LocalAuthority } from "../tools/run/local_authority.ts";
import type { Need } from "./needs.ts";
import { type TempFolder, tempFolder } from "./temp_folder.ts";

/** What a test needs that makes certificates. */
export const CERTIFICATES = ["openssl", "write", "read", "run", "net"] as const satisfies Need[];

/** An authority in a folder of its own, which is removed at the end of the block. */
export interface TestAuthority extends AsyncDisposable {
  authority: LocalAuthority;
  /** Its certificate, in PEM. */
  ca: string;
  folder: string;
}

/** Makes an authority. */
export async function testAuthority(): Promise<TestAuthority> {
  await using stack = new AsyncDisposableStack();
  const { path }: TempFolder = stack.use(tempFolder());
  const authority = await LocalAuthority.create(path);
  const ca = await Deno.readTextFile(authority.caFile);
  const resources = stack.move();
  return {
    authority,
    ca,
    folder: path,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
