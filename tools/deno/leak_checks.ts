/**
 * Prints the options that make `deno test` fail a test that leaves a timer, a file or a connection behind. Deno up to
 * 2.7 does so by itself and knows no such options, not even in deno.json, where they would stop it; hence this program.
 *
 * @module
 */

const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
if (major > 2 || minor >= 8) console.log("--sanitize-ops --sanitize-resources");
