/**
 * Runs check as a user does, for tests.
 *
 * @module
 */

/** A row of agency 1. */
export const ROW = "1,A,B,3,2000-01-01,1234\n";
/** A row of agency 2, with quotes. */
export const QUOTED_ROW = `2,"A, B","C ""D""",3,2000-01-01,0\n`;

/** The module of the task. */
export const CHECK = new URL("../../check.ts", import.meta.url).href;

/** Runs the task. */
export async function check(
  args: string[],
  { permissions = ["-A"], ...options }: Partial<Deno.CommandOptions> & { permissions?: string[] } =
    {},
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, CHECK, ...args],
    env: { NO_COLOR: "1", AGENCIES_AMOUNT: "5" },
    stdin: "null",
    ...options,
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}
