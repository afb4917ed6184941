/**
 * Prints the options that make `deno test` fail a test that leaks a timer, a file or a connection.
 * Deno 2.7 checks this by default and refuses the options, on the command line as in deno.json;
 * hence this program.
 *
 * @module
 */

const [major = 0, minor = 0] = Deno.version.deno.split(".").map(Number);
if (major > 2 || minor >= 8) console.log("--sanitize-ops --sanitize-resources");
