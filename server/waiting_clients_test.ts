import { assert, assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { resetConnection } from "./testing/reset_connection.ts";
import { startServer, type TestClient } from "./testing/start_server.ts";
import {
  closeAgencies,
  closeAll,
  REFUSED,
  STORE_BET,
  STORED,
  waitingClient,
} from "./testing/requests.ts";

Deno.test("Connections needs no place for clients that wait for the draw", async () => {
  await using server = await startServer({ connectionsMax: 1 });
  const waiting = [];
  for (let agency = 1; agency <= 5; agency++) waiting.push(await waitingClient(server, { agency }));
  await closeAgencies(server);
  for (const client of waiting) {
    assertEquals(await client.line(), "WinnersResponse:\n");
    client.close();
  }
  using client = await server.connect();
  assertEquals(await client.ask(STORE_BET), REFUSED);
});

Deno.test("Connections ends the longest wait of an agency when too many clients wait", async () => {
  await using server = await startServer({ waitingMax: 2 });
  using oldest = await waitingClient(server, { agency: 1 });
  using middle = await waitingClient(server, { agency: 2 });
  using newest = await waitingClient(server, { agency: 3 });
  assertEquals(await oldest.rest(), "");
  using again = await waitingClient(server, { agency: 3 });
  assertEquals(await newest.rest(), "");
  await closeAgencies(server);
  assertEquals(await middle.line(), "WinnersResponse:\n");
  assertEquals(await again.line(), "WinnersResponse:\n");
});

Deno.test("Connections ends waits of the address that has most, and logs them in sum", async () => {
  using time = new FakeTime();
  await using server = await startServer({ waitingMax: 3 });
  const honest = [
    await waitingClient(server, { source: "10.0.0.1" }),
    await waitingClient(server, { source: "10.0.0.2" }),
  ];
  const hogs: TestClient[] = [];
  for (let count = 0; count < 20; count++) {
    hogs.push(await waitingClient(server, { source: "10.0.0.3", agency: 2 }));
  }
  for (const hog of hogs.slice(0, -1)) assertEquals(await hog.rest(), "");
  const warnings = () => server.lines.filter((line) => line.includes("too many connections wait"));
  assertEquals(warnings().length, 1);
  await time.tickAsync(10_000);
  assertEquals(warnings()[1]?.endsWith("| times: 18"), true, warnings()[1]);
  await closeAgencies(server);
  for (const client of [...honest, hogs.at(-1)!]) {
    assertEquals(await client.line(), "WinnersResponse:\n");
  }
  closeAll([...honest, ...hogs]);
});

Deno.test("Connections ends the waits of clients that are gone, so that no other wait has to end", async () => {
  await using server = await startServer({ waitingMax: 2 });
  using honest = await waitingClient(server);
  const leave: ((packets: string) => Promise<void>)[] = [
    async (packets) => {
      using client = await server.connect();
      const looked = server.looked();
      await client.send(packets);
      await looked;
    },
    (packets) => resetConnection(server.server.port, packets, server.looked()),
  ];
  const packets = [
    "WinnersRequest:1\n",
    `WinnersRequest:1\n${STORE_BET}`,
    "WinnersRequest:1\nStore",
  ];
  let count = 0;
  for (const goAway of leave) {
    for (const packet of packets) {
      await goAway(packet);
      await server.logged("the peer is gone", ++count);
    }
  }
  assert(!server.lines.some((line) => line.includes("too many")), server.lines.join("\n"));
  await closeAgencies(server);
  assertEquals(await honest.line(), "WinnersResponse:\n");
  assertEquals(server.disk.text("bets.csv"), "");
});

Deno.test("Connections ends the wait of a client that has filled its buffer and is gone", async () => {
  await using server = await startServer({ packetBytesMax: 1000 });
  const client = await waitingClient(server);
  await client.send("x".repeat(100_000));
  client.close();
  await server.logged("the peer is gone");
});

Deno.test("Connections answers packets that arrive while their client waits for the draw", async () => {
  await using server = await startServer({ packetBytesMax: 1000 });
  using client = await waitingClient(server);
  // More than the server keeps, in pieces.
  const sent = client.send(`${STORE_BET}ProgressRequest:1\nWinnersRequest:1\n`.repeat(100));
  await closeAgencies(server);
  const answers = `${REFUSED}ProgressResponse:0\nWinnersResponse:\n`.repeat(100);
  await sent;
  await client.endSending();
  assertEquals(await client.rest(), `WinnersResponse:\n${answers}`);
});

Deno.test("Connections keeps the wait of a client that has closed its sending half", async () => {
  await using server = await startServer({ agencies: 2 });
  using client = await server.connect();
  assertEquals(await client.ask("StoreBet:1;Eva;Rey;42;1990-05-05;7574\n"), STORED);
  const looked = server.looked();
  await client.send("WinnersRequest:1\nWinnersRequest:2\n");
  await client.endSending();
  await looked;
  // The server asks whether it is still there, until the answer's head is complete.
  let head = "";
  const bytes = new Uint8Array(16);
  while (head.length < 3) {
    const count = await client.connection.read(bytes);
    head += new TextDecoder().decode(bytes.subarray(0, count ?? 0));
  }
  using other = await server.connect();
  await other.send("AgencyClose:1\nAgencyClose:2\n");
  assertEquals(head + await client.rest(), "WinnersResponse:42\nWinnersResponse:\n");
});
