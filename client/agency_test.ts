import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { Agency, RefusedError } from "./agency.ts";
import { Servers, UnreachableError } from "./servers.ts";
import {
  blockOf,
  FakeLottery,
  FakeNetwork,
  type FakeNetworkOptions,
  type Handler,
  testLog,
} from "./testing.ts";

const BETS = Array.from({ length: 10 }, (_, index) => `Ana;Gil;${index};1999-01-31;${index}`);
const LIMITS = { betsMax: 3, bytesMax: 8192 };
const PATIENCE_MS = 60_000;

/** The bets of an agency, in blocks of four. */
function bets(all = BETS) {
  let next = 0;
  const read = () => {
    const some = all.slice(next, next += 4);
    return Promise.resolve(some.length > 0 ? blockOf(some) : undefined);
  };
  return { total: all.length, read };
}

/** An agency with fake servers; pauses between tries take no time, but the clock goes on. */
function setUp(lottery: FakeLottery, options: Partial<FakeNetworkOptions> = {}) {
  const network = new FakeNetwork({ accept: lottery.accept, ...options });
  const { log, lines } = testLog();
  let nowMs = 0;
  const servers = new Servers({
    host: "server",
    port: 12345,
    answerTimeoutMs: 10_000,
    retryMs: 60_000,
    log,
    dialer: network,
    random: () => 0.5,
    now: () => nowMs,
    sleep: (timeMs) => {
      nowMs += timeMs;
      return Promise.resolve();
    },
  });
  const agency = new Agency({ agency: 1, servers, log, winnersPatienceMs: PATIENCE_MS });
  const advance = (timeMs: number) => void (nowMs += timeMs);
  return { agency, servers, network, lines, advance };
}

/** Meddles with the packet of this type that comes as the `nth`, counted from 1. */
function onNth(type: string, nth: number, meddle: FakeLottery["meddle"]): FakeLottery["meddle"] {
  let count = 0;
  return (packet) => packet.startsWith(type) && ++count === nth ? meddle(packet) : undefined;
}

Deno.test("Agency.run() sends the bets in order, closes and gives the winners", async () => {
  for (const answerBytesMax of [Infinity, 1]) {
    const lottery = new FakeLottery();
    lottery.winners = "3;7";
    const { agency, servers, network, lines } = setUp(lottery, { answerBytesMax });
    using _ = servers;
    assertEquals(await agency.run(bets(), LIMITS), ["3", "7"]);
    assertEquals(lottery.bets, BETS);
    assertEquals(lottery.isClosed, true);
    assertEquals(network.dialled.length, 1);
    assertEquals(lines.filter((line) => line.startsWith("INFO")), [
      "INFO     action: apuestas_enviadas | result: success | agency: 1 | cantidad: 10",
      "INFO     action: agency_close | result: success | agency: 1",
      "INFO     action: consulta_ganadores | result: in_progress | agency: 1",
      "INFO     action: consulta_ganadores | result: success | agency: 1 | cant_ganadores: 2 | documentos: 3;7",
    ]);
  }
});

Deno.test("Agency.run() closes an agency without bets", async () => {
  const lottery = new FakeLottery();
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  assertEquals(await agency.run(bets([]), LIMITS), []);
  assertEquals(lottery.packets.filter((packet) => packet.startsWith("Store")), []);
});

Deno.test("Agency.sendBets() goes on behind the bets that are stored", async () => {
  for (const stored of [1, 3, 7, 10]) {
    const lottery = new FakeLottery();
    lottery.bets = BETS.slice(0, stored);
    const { agency, servers } = setUp(lottery);
    using _ = servers;
    await agency.sendBets(bets(), LIMITS);
    assertEquals(lottery.bets, BETS);
  }
});

Deno.test("Agency.sendBets() fails when more bets are stored than the file holds", async () => {
  const lottery = new FakeLottery();
  lottery.bets = [...BETS, "another"];
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(bets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "the servers have 11 bets of agency 1");
});

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
          lottery.meddle = onNth("StoreBatch", nth, (packet) => {
            const sent = packet.slice("StoreBatch:1;".length).split(":");
            lottery.bets.push(...sent.slice(0, stored));
            return failure;
          });
          const { agency, servers, network } = setUp(lottery);
          using _ = servers;
          await agency.sendBets(bets(), LIMITS);
          assertEquals(lottery.bets, BETS);
          assertEquals(network.dialled.length, 2);
        });
      }
    }
  }
});

Deno.test("Agency.sendBets() tries another address when a server is silent", async () => {
  using time = new FakeTime();
  const lottery = new FakeLottery();
  lottery.meddle = onNth("StoreBatch", 2, () => "silence");
  const { agency, servers, network, lines } = setUp(lottery, {
    addresses: ["10.0.0.1", "10.0.0.2"],
    onSilence: () => time.tick(10_000),
  });
  using _ = servers;
  await agency.sendBets(bets(), LIMITS);
  assertEquals(lottery.bets, BETS);
  assertEquals(network.dialled, ["10.0.0.2", "10.0.0.1"]);
  assert(
    lines.includes(
      "WARN     action: connect | result: fail | address: 10.0.0.2:12345 | " +
        "error: the server did not answer within 10 s",
    ),
    lines.join("\n"),
  );
});

Deno.test("Agency.sendBets() goes on when a late packet of an older connection was stored", async () => {
  const lottery = new FakeLottery();
  let late = "";
  lottery.meddle = (packet) => {
    if (!packet.startsWith("StoreBatch")) return;
    if (late === "") {
      late = packet;
      return "reset";
    }
    if (late !== "stored") {
      // Between the answer to ProgressRequest and the repetition of the batch.
      lottery.store(late.slice("StoreBatch:".length));
      late = "stored";
    }
  };
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  await agency.sendBets(bets(), LIMITS);
  assertEquals(lottery.bets, BETS);
});

Deno.test("Agency.sendBets() fails when a batch is refused for its own sake", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("StoreBatch", 2, () => ({ answer: "StoreResponse:1\n" }));
  const { agency, servers, lines } = setUp(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.run(bets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "Cannot store bets 4 to 6 of agency 1");
  assertEquals(lottery.bets, BETS.slice(0, 3));
  assertEquals(lottery.isClosed, false);
  assertEquals(lines.filter((line) => line.includes("apuestas_enviadas")), []);
});

Deno.test("Agency.sendBets() fails when the servers have lost bets", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("StoreBatch", 3, () => {
    lottery.bets.length = 5;
    return "reset";
  });
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(bets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "had stored 6 bets of agency 1 and now have 5");
});

Deno.test("Agency.sendBets() fails when somebody else's bets are stored", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("StoreBatch", 2, () => {
    lottery.bets.push("a", "b", "c", "d");
    return "reset";
  });
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(bets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "somebody else sends for this agency");
});

Deno.test("Agency.sendBets() takes an answer that is none for a broken connection", async () => {
  for (const answer of ["Hello\n", "StoreResponse:2\n", "StoreResponse:0\nx\n", "x".repeat(99)]) {
    const lottery = new FakeLottery();
    lottery.meddle = onNth("StoreBatch", 1, () => ({ answer }));
    const { agency, servers, network } = setUp(lottery);
    using _ = servers;
    await agency.sendBets(bets(), LIMITS);
    assertEquals(lottery.bets, BETS);
    assertEquals(network.dialled.length, 2);
  }
});

Deno.test("Agency.sendBets() gives up when every batch breaks its connection", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = (packet) => packet.startsWith("StoreBatch") ? "reset" : undefined;
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(bets(), LIMITS), UnreachableError);
  assertStringIncludes(error.message, "nothing has worked for 60 s");
});

Deno.test("Agency.close() repeats the close when the connection breaks", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("AgencyClose", 1, () => "reset");
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  await agency.run(bets(), LIMITS);
  assertEquals(lottery.isClosed, true);
});

Deno.test("Agency.awaitWinners() asks again, close first, when its server dies or is silent", async () => {
  for (const failure of ["close", "reset", "silence"] as const) {
    using time = new FakeTime();
    const lottery = new FakeLottery();
    lottery.winners = "42";
    lottery.meddle = onNth("WinnersRequest", 1, () => failure);
    const { agency, servers, network } = setUp(lottery, {
      onSilence: () => time.tick(PATIENCE_MS),
    });
    using _ = servers;
    assertEquals(await agency.run(bets(), LIMITS), ["42"]);
    assertEquals(network.dialled.length, 2);
    assertEquals(lottery.packets.slice(-5), [
      "WinnersRequest:1",
      "ProgressRequest:1",
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
  lottery.meddle = (packet) => packet === "WinnersRequest:1" && left-- > 0 ? "silence" : undefined;
  const { agency, servers } = setUp(lottery, { onSilence: () => time.tick(PATIENCE_MS) });
  using _ = servers;
  assertEquals(await agency.run(bets(), LIMITS), []);
});

Deno.test("Agency.awaitWinners() gives up only on servers that do not let it wait", async () => {
  for (const heldMs of [30_000, 0]) {
    const lottery = new FakeLottery();
    const { agency, servers, advance } = setUp(lottery);
    using _ = servers;
    let left = 200;
    lottery.meddle = (packet) => {
      if (packet !== "WinnersRequest:1" || left-- === 0) return;
      advance(heldMs);
      return "reset";
    };
    if (heldMs > 0) assertEquals(await agency.run(bets(), LIMITS), []);
    else await assertRejects(() => agency.run(bets(), LIMITS), UnreachableError);
  }
});

Deno.test("Agency.awaitWinners() closes no agency that it was not told to close", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("WinnersRequest", 1, () => "reset");
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  await agency.awaitWinners();
  assertEquals(lottery.isClosed, false);
});

Deno.test("Agency.awaitWinners() closes no agency at servers that do not have its bets", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("WinnersRequest", 1, () => {
    // Another draw has begun behind the same address.
    lottery.bets.length = 0;
    lottery.isClosed = false;
    return "reset";
  });
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.run(bets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "had stored 10 bets of agency 1 and now have 0");
  assertEquals(lottery.isClosed, false);
});

Deno.test("Agency.awaitWinners() takes megabytes of winners", async () => {
  const lottery = new FakeLottery();
  const documents = Array.from({ length: 300_000 }, (_, index) => String(10_000_000 + index));
  lottery.winners = documents.join(";");
  const network = new FakeNetwork({ accept: lottery.accept });
  const { log } = testLog("error");
  using servers = new Servers({
    host: "server",
    port: 1,
    answerTimeoutMs: 10_000,
    retryMs: 60_000,
    log,
    dialer: network,
  });
  const agency = new Agency({ agency: 1, servers, log, winnersPatienceMs: PATIENCE_MS });
  assertEquals((await agency.awaitWinners()).length, 300_000);
});

/** A server that takes one packet a connection and knows no ProgressRequest, as the original does. */
function original(lottery: FakeLottery): () => Handler {
  return () => {
    const handle = lottery.accept();
    let packets = 0;
    return (packet) => {
      if (packet.startsWith("ProgressRequest")) return "close";
      return ++packets === 1 ? handle(packet) : "reset";
    };
  };
}

Deno.test("Agency.run() works with a server that takes one packet a connection", async () => {
  const lottery = new FakeLottery();
  lottery.winners = "7";
  const { agency, servers, network } = setUp(lottery, { accept: original(lottery) });
  using _ = servers;
  assertEquals(await agency.run(bets(), LIMITS), ["7"]);
  assertEquals(lottery.bets, BETS);
  assertEquals(lottery.isClosed, true);
  // Eight that are closed, four batches, the close and the winners.
  assertEquals(network.dialled.length, 8 + 4 + 2);
});

Deno.test("Agency.sendBets() stops when a server without ProgressRequest loses an answer", async () => {
  const lottery = new FakeLottery();
  lottery.meddle = onNth("StoreBatch", 2, () => "close");
  const { agency, servers } = setUp(lottery, { accept: original(lottery) });
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(bets(), LIMITS), UnreachableError);
  assertStringIncludes(
    error.message,
    "Cannot tell whether the bets behind the first 3 were stored",
  );
  assertEquals(lottery.packets.filter((packet) => packet.startsWith("StoreBatch")).length, 2);
});

Deno.test("Agency.progress() doubts a server only when it closes eight times in a row", async () => {
  const seven = new Array<"close">(7).fill("close");
  const reactions = [...seven, "reset" as const, ...seven];
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 4);
  let count = 0;
  lottery.meddle = () => reactions[count++];
  const { agency, servers } = setUp(lottery);
  using _ = servers;
  assertEquals(await agency.progress(), 4);
  assertEquals(servers.closesAfterAnswer, false);
});

const ANA = {
  firstName: "Ana",
  lastName: "Gil",
  document: "30",
  birthdate: "1999-01-31",
  number: 42,
};

Deno.test("Agency.sendBet() adds a bet to those that are stored", async () => {
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 2);
  const { agency, servers, lines } = setUp(lottery);
  using _ = servers;
  await agency.sendBet(ANA);
  assertEquals(lottery.bets, [...BETS.slice(0, 2), "Ana;Gil;30;1999-01-31;42"]);
  assertEquals(lottery.packets.at(-1), "StoreBet:1;Ana;Gil;30;1999-01-31;42");
  assertEquals(
    lines.at(-1),
    "INFO     action: apuesta_almacenada | result: success | dni: 30 | numero: 42",
  );
});

Deno.test("Agency.sendBet() sends again what was surely not stored, and nothing else", async (t) => {
  await t.step("not stored", async () => {
    const lottery = new FakeLottery();
    lottery.meddle = onNth("StoreBet", 1, () => "reset");
    const { agency, servers } = setUp(lottery);
    using _ = servers;
    await agency.sendBet(ANA);
    assertEquals(lottery.bets.length, 1);
  });
  await t.step("perhaps stored", async () => {
    const lottery = new FakeLottery();
    lottery.meddle = onNth("StoreBet", 1, (packet) => {
      lottery.store(packet.slice("StoreBet:".length));
      return "reset";
    });
    const { agency, servers } = setUp(lottery);
    using _ = servers;
    await assertRejects(
      () => agency.sendBet(ANA),
      UnreachableError,
      "look before you send it again",
    );
    assertEquals(lottery.bets.length, 1);
  });
  await t.step("behind somebody else's bet", async () => {
    const lottery = new FakeLottery();
    lottery.meddle = onNth("StoreBet", 1, () => {
      lottery.bets.push("another");
      return undefined;
    });
    const { agency, servers } = setUp(lottery);
    using _ = servers;
    await agency.sendBet(ANA);
    assertEquals(lottery.bets, ["another", "Ana;Gil;30;1999-01-31;42"]);
  });
  await t.step("refused", async () => {
    const lottery = new FakeLottery();
    lottery.isClosed = true;
    const { agency, servers } = setUp(lottery);
    using _ = servers;
    await assertRejects(
      () => agency.sendBet(ANA),
      RefusedError,
      "Cannot store the bet of agency 1",
    );
  });
});
