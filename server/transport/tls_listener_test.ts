import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { needs } from "../../testing/needs.ts";
import { CERTIFICATES, testAuthority } from "../../testing/tls_folder.ts";
import { keepLog } from "../testing/ledgers.ts";
import { TlsListener } from "./tls_listener.ts";
import type { TlsFiles } from "./tls_pair.ts";

const HOSTS = ["localhost", "127.0.0.1"];
const ADDRESS = { hostname: "127.0.0.1", port: 0, tcpBacklog: 8 };

/** Listens with the files, and looks at them only when told. */
function listen(files: TlsFiles) {
  const { log, lines } = keepLog();
  const listener = new TlsListener({ address: ADDRESS, files, log, intervalMs: 0 });
  return { listener, lines };
}

/** Looks until changed files have settled. */
async function settle(listener: TlsListener): Promise<void> {
  for (let look = 0; look < 2; look++) await listener.look();
}

/** Connects as a client does, which tries again if it has reached a socket that was being closed. */
async function dial({ addr: { port } }: TlsListener, ca: string): Promise<Deno.TlsConn> {
  for (let attempt = 1;; attempt++) {
    try {
      const connection = await Deno.connect({ port });
      return await Deno.startTls(connection, { hostname: "localhost", caCerts: [ca] });
    } catch (error) {
      const isReset = error instanceof Deno.errors.ConnectionReset ||
        error instanceof Deno.errors.NotConnected;
      if (!isReset || attempt === 100) throw error;
    }
  }
}

/** Makes a connection; returns both ends once they have spoken. */
async function converse(listener: TlsListener, ca: string) {
  const accepting = listener.accept();
  const client = await dial(listener, ca);
  const accepted = await accepting;
  const [, handshake] = await Promise.allSettled([say(accepted, client), client.handshake()]);
  if (handshake.status === "fulfilled") return { client, accepted };
  client.close();
  accepted.close();
  throw handshake.reason;
}

type End = Pick<Deno.Conn, "read" | "write">;

/** Sends a byte from one end to the other, and returns it. */
async function say(from: End, to: End): Promise<number> {
  const bytes = new Uint8Array(1);
  await Promise.all([from.write(Uint8Array.of(42)), to.read(bytes)]);
  return bytes[0];
}

function closeAll(...resources: { close(): void }[]): void {
  for (const resource of resources) resource.close();
}

Deno.test({
  ...needs(CERTIFICATES, "TlsListener takes a renewed certificate while older connections live on"),
  async fn() {
    await using first = await testAuthority();
    await using second = await testAuthority();
    const files = await first.authority.issue({ name: "server", hosts: HOSTS });
    const { listener, lines } = listen(files);
    const before = await converse(listener, first.ca);
    const renewed = await second.authority.issue({ name: "server", hosts: HOSTS });
    const accepting = listener.accept();

    // The halves of the pair are replaced one after the other.
    await Deno.copyFile(renewed.certFile, files.certFile);
    await listener.look();
    await Deno.copyFile(renewed.keyFile, files.keyFile);
    await settle(listener);
    assertEquals(lines.filter((line) => line.includes("fail")), []);
    assertEquals(lines.filter((line) => line.startsWith("action: tls")).length, 2);

    const client = await dial(listener, second.ca);
    const accepted = await accepting;
    assertEquals(await say(client, accepted), 42, "an accept that waited takes the new connection");
    assertEquals(await say(before.client, before.accepted), 42);
    await assertRejects(
      () => converse(listener, first.ca),
      Deno.errors.InvalidData,
      "UnknownIssuer",
    );
    closeAll(before.client, before.accepted, client, accepted, listener);
  },
});

Deno.test({
  ...needs(
    CERTIFICATES,
    "TlsListener keeps its certificate if the new one is faulty, and logs why",
  ),
  async fn(t) {
    await using test = await testAuthority();
    const files = await test.authority.issue({ name: "server", hosts: HOSTS });
    const good = await test.authority.issue({ name: "good", hosts: HOSTS });
    const expired = await test.authority.issue({ name: "expired", hosts: HOSTS, days: -1 });
    const { listener, lines } = listen(files);
    const faults: [name: string, spoil: () => Promise<void>, message: string][] = [
      ["a missing file", () => Deno.remove(files.keyFile), "cannot be read"],
      [
        "the key of another certificate",
        () => Deno.copyFile(good.keyFile, files.keyFile),
        "is not the key of the certificate",
      ],
      ["no certificate", () => Deno.writeTextFile(files.certFile, "x"), "has no certificate"],
      ["no key", () => Deno.copyFile(files.certFile, files.keyFile), "has no private key"],
      ["an expired one", async () => {
        await Deno.copyFile(expired.certFile, files.certFile);
        await Deno.copyFile(expired.keyFile, files.keyFile);
      }, "expired at"],
    ];
    for (const [name, spoil, message] of faults) {
      await t.step(name, async () => {
        await spoil();
        await settle(listener);
        await settle(listener);
        const failures = lines.splice(0).filter((line) => line.includes("result: fail"));
        assertEquals(failures.length, 1, failures.join("\n"));
        assertStringIncludes(failures[0], message);
        assertStringIncludes(failures[0], "stays in use");
        const { client, accepted } = await converse(listener, test.ca);
        closeAll(client, accepted);
      });
    }
    await Deno.copyFile(good.certFile, files.certFile);
    await Deno.copyFile(good.keyFile, files.keyFile);
    await settle(listener);
    assertStringIncludes(lines.join("\n"), "action: tls | result: success");
    listener.close();
  },
});

Deno.test({
  ...needs(CERTIFICATES, "TlsListener does not open with a faulty certificate, or on a taken port"),
  async fn() {
    await using test = await testAuthority();
    const files = await test.authority.issue({ name: "server", hosts: HOSTS });
    const expired = await test.authority.issue({ name: "expired", hosts: HOSTS, days: -1 });
    assertThrows(() => listen(expired), Error, "expired at");
    const mixed = { ...files, keyFile: expired.keyFile };
    assertThrows(() => listen(mixed), Error, "is not the key of the certificate");
    assertThrows(
      () => listen({ ...files, certFile: "/missing" }),
      Error,
      "/missing cannot be read",
    );

    const { listener } = listen(files);
    const { log } = keepLog();
    const taken = { ...ADDRESS, port: listener.addr.port };
    assertThrows(() => new TlsListener({ address: taken, files, log }), Deno.errors.AddrInUse);
    const shared = { ...taken, reusePort: true };
    const other = new TlsListener({ address: shared, files, log, intervalMs: 0 });
    assert(other.addr.port === listener.addr.port);
    closeAll(listener, other);
  },
});
