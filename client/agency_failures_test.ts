// How an agency recovers when servers and connections fail: remote_ledger.ts, tested through Agency.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import type { Dialer, Transport } from "./dialer.ts";
import { RefusedError } from "./progress_knowledge.ts";
import { UnreachableError } from "./retry.ts";
import { FakeLottery } from "./testing/fake_lottery.ts";
import {
  acceptAsLegacy,
  agencyBets,
  BETS,
  LIMITS,
  onNth,
  setUpAgency,
  WINNERS_TIMEOUT_MS,
} from "./testing/set_up_agency.ts";

Deno.test("Agency.sendBets() loses and doubles no bet when an answer is lost", async (t) => {
  const table = [
    { name: "after the batch was stored", stored: 3 },
    { name: "before the batch was stored", stored: 0 },
    { name: "with one bet of the batch stored", stored: 1 },
    { name: "with two bets of the batch stored", stored: 2 },
  ];
  for (const { name, stored } of table) {
    for (const failure of ["close", "reset"] as const) {
      for (const nth of [1, 2, 4]) {
        await t.step(`${name}, by ${failure}, at batch ${nth}`, async () => {
          const lottery = new FakeLottery();
          lottery.intercept = onNth("StoreBatch", nth, (packet) => {
            const sent = packet.slice("StoreBatch:1;".length).split(":");
            lottery.bets.push(...sent.slice(0, stored));
            return failure;
          });
          const { agency, servers, network } = setUpAgency(lottery);
          using _ = servers;
          await agency.sendBets(agencyBets(), LIMITS);
          assertEquals(lottery.bets, BETS);
          assertEquals(network.dialed.length, 2);
        });
      }
    }
  }
});

Deno.test("Agency.sendBets() tries another address when a server is silent", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  lottery.intercept = onNth("StoreBatch", 2, () => "silence");
  const { agency, servers, network, lines } = setUpAgency(lottery, {
    addresses: ["10.0.0.1", "10.0.0.2"],
    onSilence: () => time.tick(10_000),
  });
  using _ = servers;
  await agency.sendBets(agencyBets(), LIMITS);
  assertEquals(lottery.bets, BETS);
  assertEquals(network.dialed, ["10.0.0.2", "10.0.0.1"]);
  assert(
    lines.includes(
      "WARN     action: connect | result: fail | address: 10.0.0.2:12345 | " +
        "error: the server did not answer within 10 s",
    ),
    lines.join("\n"),
  );
});

Deno.test("Agency.sendBets() resumes when a late packet of an older connection was stored", async () => {
  const lottery = new FakeLottery();
  let late = "";
  lottery.intercept = (packet) => {
    if (!packet.startsWith("StoreBatch")) return;
    if (late === "") {
      late = packet;
      return "reset";
    }
    if (late !== "stored") {
      // Arrives after the answer to ProgressRequest and before the repeated batch.
      lottery.store(late.slice("StoreBatch:".length));
      late = "stored";
    }
  };
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  await agency.sendBets(agencyBets(), LIMITS);
  assertEquals(lottery.bets, BETS);
});

Deno.test("Agency.sendBets() fails when the servers have lost bets", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("StoreBatch", 3, () => {
    lottery.bets.length = 5;
    return "reset";
  });
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "had stored 6 bets of agency 1 and now have 5");
});

Deno.test("Agency.sendBets() fails when another program's bets are stored", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("StoreBatch", 2, () => {
    lottery.bets.push("a", "b", "c", "d");
    return "reset";
  });
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "another program sends for this agency");
});

Deno.test("Agency.sendBets() takes a malformed answer for a broken connection", async () => {
  for (const answer of ["Hello\n", "StoreResponse:2\n", "StoreResponse:0\nx\n", "x".repeat(199)]) {
    const lottery = new FakeLottery();
    lottery.intercept = onNth("StoreBatch", 1, () => ({ answer }));
    const { agency, servers, network } = setUpAgency(lottery);
    using _ = servers;
    await agency.sendBets(agencyBets(), LIMITS);
    assertEquals(lottery.bets, BETS);
    assertEquals(network.dialed.length, 2);
  }
});

Deno.test("Agency.sendBets() gives up when every batch breaks its connection", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = (packet) => packet.startsWith("StoreBatch") ? "reset" : undefined;
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(agencyBets(), LIMITS), UnreachableError);
  assertStringIncludes(error.message, "all attempts have failed for 60 s");
});

Deno.test("Agency.sendBets() fails when a legacy server loses an answer", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("StoreBatch", 2, () => "close");
  const { agency, servers } = setUpAgency(lottery, {
    accept: acceptAsLegacy(lottery),
    legacyServer: true,
  });
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(agencyBets(), LIMITS), UnreachableError);
  assertStringIncludes(
    error.message,
    "Cannot know whether the bets after the first 3 were stored",
  );
  assertEquals(lottery.packets.filter((packet) => packet.startsWith("StoreBatch")).length, 2);
});

Deno.test("Agency.close() repeats the close when the connection breaks", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("AgencyClose", 1, () => "reset");
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  await agency.run(agencyBets(), LIMITS);
  assertEquals(lottery.isClosed, true);
});

Deno.test("Agency.awaitWinners() closes and asks again when its server dies or is silent", async () => {
  for (const failure of ["close", "reset", "silence"] as const) {
    using time = new FakeTime();
    const lottery = new FakeLottery();
    lottery.winners = "42";
    lottery.intercept = onNth("WinnersRequest", 1, () => failure);
    const { agency, servers, network } = setUpAgency(lottery, {
      onSilence: () => time.tick(WINNERS_TIMEOUT_MS),
    });
    using _ = servers;
    assertEquals(await agency.run(agencyBets(), LIMITS), ["42"]);
    assertEquals(network.dialed.length, 2);
    assertEquals(lottery.packets.slice(-7), [
      "WinnersRequest:1",
      "ProgressRequest:1",
      "ProgressRequest:1",
      "DigestRequest:1",
      "AgencyClose:1",
      "ProgressRequest:1",
      "WinnersRequest:1",
    ]);
  }
});

Deno.test("Agency.awaitWinners() waits for the draw as long as it takes", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  let left = 500;
  lottery.intercept = (packet) =>
    packet === "WinnersRequest:1" && left-- > 0 ? "silence" : undefined;
  const { agency, servers } = setUpAgency(lottery, {
    onSilence: () => time.tick(WINNERS_TIMEOUT_MS),
  });
  using _ = servers;
  assertEquals(await agency.run(agencyBets(), LIMITS), []);
});

Deno.test("Agency.awaitWinners() gives up only if its servers fail without keeping it waiting", async () => {
  for (const heldMs of [30_000, 0]) {
    const lottery = new FakeLottery();
    const { agency, servers, advance } = setUpAgency(lottery);
    using _ = servers;
    let left = 200;
    lottery.intercept = (packet) => {
      if (packet !== "WinnersRequest:1" || left-- === 0) return;
      advance(heldMs);
      return "reset";
    };
    if (heldMs > 0) assertEquals(await agency.run(agencyBets(), LIMITS), []);
    else await assertRejects(() => agency.run(agencyBets(), LIMITS), UnreachableError);
  }
});

Deno.test("Agency.awaitWinners() does not close an agency that was not closed", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("WinnersRequest", 1, () => "reset");
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  await agency.awaitWinners();
  assertEquals(lottery.isClosed, false);
});

Deno.test("Agency.awaitWinners() does not close the agency at servers that lack its bets", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("WinnersRequest", 1, () => {
    // Another draw has begun at the same address.
    lottery.bets.length = 0;
    lottery.isClosed = false;
    return "reset";
  });
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.run(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "had stored 10 bets of agency 1 and now have 0");
  assertEquals(lottery.isClosed, false);
});

Deno.test("Agency.progress() takes servers for legacy ones only after eight closes in a row", async () => {
  const seven = new Array<"close">(7).fill("close");
  const reactions = [...seven, "reset" as const, ...seven];
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 4);
  let count = 0;
  lottery.intercept = () => reactions[count++];
  const { agency, servers } = setUpAgency(lottery, { legacyServer: true });
  using _ = servers;
  assertEquals(await agency.progress(), 4);
});

Deno.test("Agency.progress() does not take connections that close at once for legacy servers", async () => {
  const transport: Transport = {
    read: () => Promise.resolve(null),
    write: (bytes) => Promise.resolve(bytes.length),
    close() {},
  };
  const dialer: Dialer = {
    resolve: () => Promise.resolve(["10.0.0.1"]),
    connect: () => Promise.resolve(transport),
  };
  const { agency, servers } = setUpAgency(new FakeLottery(), { dialer, legacyServer: true });
  using _ = servers;
  await assertRejects(() => agency.progress(), UnreachableError);
});
