import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
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
} from "./testing/set_up_agency.ts";

Deno.test("Agency.run() sends the bets in order, closes and returns the winners", async () => {
  for (const answerBytesMax of [Infinity, 1]) {
    const lottery = new FakeLottery();
    lottery.winners = "3;7";
    const { agency, servers, network, lines } = setUpAgency(lottery, { answerBytesMax });
    using _ = servers;
    assertEquals(await agency.run(agencyBets(), LIMITS), ["3", "7"]);
    assertEquals(lottery.bets, BETS);
    assertEquals(lottery.isClosed, true);
    assertEquals(network.dialed.length, 1);
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
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  assertEquals(await agency.run(agencyBets([]), LIMITS), []);
  assertEquals(lottery.packets.filter((packet) => packet.startsWith("Store")), []);
});

Deno.test("Agency.run() works with legacy servers", async () => {
  const lottery = new FakeLottery();
  lottery.winners = "7";
  const { agency, servers, network } = setUpAgency(lottery, {
    accept: acceptAsLegacy(lottery),
    legacyServer: true,
  });
  using _ = servers;
  assertEquals(await agency.run(agencyBets(), LIMITS), ["7"]);
  assertEquals(lottery.bets, BETS);
  assertEquals(lottery.isClosed, true);
  // Connections: eight that are closed, then four batches, the close and the winners.
  assertEquals(network.dialed.length, 8 + 4 + 2);
});

Deno.test("Agency.sendBets() resumes after the stored bets", async () => {
  for (const stored of [1, 3, 7, 10]) {
    const lottery = new FakeLottery();
    lottery.bets = BETS.slice(0, stored);
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await agency.sendBets(agencyBets(), LIMITS);
    assertEquals(lottery.bets, BETS);
  }
});

Deno.test("Agency.sendBets() fails when more bets are stored than the file holds", async () => {
  const lottery = new FakeLottery();
  lottery.bets = [...BETS, "another"];
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.sendBets(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "the servers have 11 bets of agency 1");
});

Deno.test("Agency.sendBets() fails when a batch is refused for its own sake", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("StoreBatch", 2, () => ({ answer: "StoreResponse:1\n" }));
  const { agency, servers, lines } = setUpAgency(lottery);
  using _ = servers;
  const error = await assertRejects(() => agency.run(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(error.message, "Cannot store bets 4 to 6 of agency 1");
  assertEquals(lottery.bets, BETS.slice(0, 3));
  assertEquals(lottery.isClosed, false);
  assertEquals(lines.filter((line) => line.includes("apuestas_enviadas")), []);
});

Deno.test("Agency.awaitWinners() accepts megabytes of winners", async () => {
  const lottery = new FakeLottery();
  const documents = Array.from({ length: 300_000 }, (_, index) => String(10_000_000 + index));
  lottery.winners = documents.join(";");
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  assertEquals((await agency.awaitWinners()).length, 300_000);
});

const ANA = {
  firstName: "Ana",
  lastName: "Gil",
  document: "30",
  birthdate: "1999-01-31",
  number: 42,
};

Deno.test("Agency.sendBet() adds a bet to the stored ones", async () => {
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 2);
  const { agency, servers, lines } = setUpAgency(lottery);
  using _ = servers;
  await agency.sendBet(ANA);
  assertEquals(lottery.bets, [...BETS.slice(0, 2), "Ana;Gil;30;1999-01-31;42"]);
  assertEquals(lottery.packets.at(-1), "StoreBet:1;Ana;Gil;30;1999-01-31;42");
  assertEquals(
    lines.at(-1),
    "INFO     action: apuesta_almacenada | result: success | dni: 30 | numero: 42",
  );
});

Deno.test("Agency.sendBet() repeats a bet only if it is certainly not stored", async (t) => {
  await t.step("not stored", async () => {
    const lottery = new FakeLottery();
    lottery.intercept = onNth("StoreBet", 1, () => "reset");
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await agency.sendBet(ANA);
    assertEquals(lottery.bets.length, 1);
  });
  await t.step("perhaps stored", async () => {
    const lottery = new FakeLottery();
    lottery.intercept = onNth("StoreBet", 1, (packet) => {
      lottery.store(packet.slice("StoreBet:".length));
      return "reset";
    });
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await assertRejects(
      () => agency.sendBet(ANA),
      UnreachableError,
      "look for the bet before sending it again",
    );
    assertEquals(lottery.bets.length, 1);
  });
  await t.step("refused because another program's bet was stored first", async () => {
    const lottery = new FakeLottery();
    lottery.intercept = onNth("StoreBet", 1, () => {
      lottery.bets.push("another");
      return undefined;
    });
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await agency.sendBet(ANA);
    assertEquals(lottery.bets, ["another", "Ana;Gil;30;1999-01-31;42"]);
  });
  await t.step("refused for its own sake", async () => {
    const lottery = new FakeLottery();
    lottery.isClosed = true;
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await assertRejects(
      () => agency.sendBet(ANA),
      RefusedError,
      "Cannot store the bet of agency 1",
    );
  });
});
