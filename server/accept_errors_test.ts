import { assertEquals } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { classifyAcceptError } from "./accept_errors.ts";
import { resetConnection } from "./testing/reset_connection.ts";

/** What Deno throws for errors of accept(2) on Linux: the message, and the code where it sets one. */
const ERRORS = [
  ["peer", "Software caused connection abort (os error 103)", "ECONNABORTED"],
  ["peer", "Connection reset by peer (os error 104)", "ECONNRESET"],
  ["peer", "Transport endpoint is not connected (os error 107)", "ENOTCONN"],
  ["peer", "Operation not permitted (os error 1)", "EPERM"],
  ["peer", "No route to host (os error 113)", "EHOSTUNREACH"],
  ["peer", "Network is unreachable (os error 101)", "ENETUNREACH"],
  ["peer", "Operation not supported (os error 95)", "ENOTSUP"],
  ["peer", "Connection timed out (os error 110)", "ETIMEDOUT"],
  ["peer", "Protocol error (os error 71)"],
  ["peer", "Network is down (os error 100)"],
  ["peer", "Protocol not available (os error 92)"],
  ["peer", "Host is down (os error 112)"],
  ["peer", "Machine is not on the network (os error 64)"],
  ["shortage", "Too many open files (os error 24)", "EMFILE"],
  ["shortage", "Too many open files in system (os error 23)"],
  ["shortage", "No buffer space available (os error 105)", "ENOBUFS"],
  ["shortage", "Cannot allocate memory (os error 12)", "ENOMEM"],
  ["unknown", "Bad file descriptor (os error 9)", "EBADF"],
  ["unknown", "Invalid argument (os error 22)", "EINVAL"],
  ["unknown", "Listener has been closed"],
] as const;
const linux = { description: "Linux", isPresent: () => Deno.build.os === "linux" };

Deno.test({
  ...needs([linux], "classifyAcceptError() distinguishes the peer's errors from shortages"),
  fn: () => {
    for (const [expected, message, code] of ERRORS) {
      assertEquals(
        classifyAcceptError(Object.assign(new Error(message), { code })),
        expected,
        message,
      );
    }
  },
});

Deno.test({
  ...needs(
    ["net"],
    "classifyAcceptError() knows the error of a connection reset before its accept",
  ),
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await resetConnection(listener.addr.port);
    const error = await listener.accept().catch((error) => error);
    assertEquals(classifyAcceptError(error), "peer", String(error));
  },
});
