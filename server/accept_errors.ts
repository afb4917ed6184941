/**
 * What an error of accept(2) means for the listener.
 *
 * @module
 */

/**
 * - `peer`: the connection at hand failed, for example because its peer reset it before it was
 *   accepted. The next one may be fine.
 * - `shortage`: the process or the host lacks file handles or memory. Connections have to end first.
 * - `unknown`: anything else.
 */
export type AcceptFailure = "peer" | "shortage" | "unknown";

const SHORTAGES = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);
/** accept(2) reports pending errors of the new connection, and some firewalls forbid it. */
const PEER_ERRORS = new Set([
  ...["ECONNABORTED", "ECONNRESET", "ENOTCONN", "EPIPE", "ETIMEDOUT", "EPROTO", "EPERM"],
  ...["ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH", "ENONET", "ENOPROTOOPT", "ENOTSUP"],
]);
/** Errors of Linux for which Deno sets no `code`. */
const LINUX_CODES: Readonly<Record<string, string>> = {
  "23": "ENFILE",
  "64": "ENONET",
  "71": "EPROTO",
  "92": "ENOPROTOOPT",
  "100": "ENETDOWN",
  "112": "EHOSTDOWN",
};

/** Classifies an error of `Deno.Listener.accept()`. */
export function classifyAcceptError(error: unknown): AcceptFailure {
  const code = codeOf(error as Error & { code?: string });
  if (code === undefined) return "unknown";
  if (SHORTAGES.has(code)) return "shortage";
  return PEER_ERRORS.has(code) ? "peer" : "unknown";
}

function codeOf({ code, message }: Error & { code?: string }): string | undefined {
  if (code !== undefined || Deno.build.os !== "linux") return code;
  const [, errorNumber] = /\(os error (\d+)\)/.exec(message) ?? [];
  return LINUX_CODES[errorNumber];
}
