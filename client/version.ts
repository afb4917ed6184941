/** The client's version, as `--version` prints it. */
export const VERSION = "1.0.0";
