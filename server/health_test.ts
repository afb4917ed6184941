import { assertEquals, assertRejects } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { CERTIFICATES, testAuthority } from "../testing/tls_folder.ts";
import { askProgress } from "./health.ts";

/** Answers the request of one connection with some bytes, and closes it. */
async function answerOnce(listener: Deno.Listener, answer: string): Promise<string> {
  using connection = await listener.accept();
  const request = new Uint8Array(64);
  const count = await connection.read(request) ?? 0;
  await connection.write(new TextEncoder().encode(answer));
  return new TextDecoder().decode(request.subarray(0, count));
}

Deno.test("askProgress() asks for the bets of an agency", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = answerOnce(listener, "ProgressResponse:12\n");
  assertEquals(await askProgress(listener.addr, 3), 12);
  assertEquals(await answered, "ProgressRequest:3\n");
});

Deno.test("askProgress() fails if the server closes the connection or answers something else", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  for (const answer of ["Hello\n", "ProgressResponse:1"]) {
    const answered = answerOnce(listener, answer);
    await assertRejects(() => askProgress(listener.addr, 1), Error);
    await answered;
  }
});

Deno.test({
  ...needs(CERTIFICATES, "askProgress() asks over TLS, whatever the name in the certificate"),
  async fn() {
    await using test = await testAuthority();
    const issued = await test.authority.issue({ name: "server", hosts: ["lottery.example"] });
    using listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: await Deno.readTextFile(issued.certFile),
      key: await Deno.readTextFile(issued.keyFile),
    });
    const answered = answerOnce(listener, "ProgressResponse:12\n");
    assertEquals(await askProgress(listener.addr, 3, true), 12);
    assertEquals(await answered, "ProgressRequest:3\n");
  },
});
