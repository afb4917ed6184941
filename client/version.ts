/** The version of the client, as `--version` prints it. */
export const VERSION = "1.0.0";
