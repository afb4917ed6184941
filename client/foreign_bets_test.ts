// How an agency finds stored bets that are not its file's: remote_ledger.ts, tested through Agency.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Random } from "../testing/random.ts";
import { RefusedError } from "./progress_knowledge.ts";
import { UnreachableError } from "./retry.ts";
import { FakeLottery } from "./testing/fake_lottery.ts";
import { agencyBets, BETS, LIMITS, onNth, setUpAgency } from "./testing/set_up_agency.ts";

const FOREIGN = "Eva;Paz;99;1980-01-01;99";

function isStore(packet: string): boolean {
  return packet.startsWith("Store");
}

/** Runs an agency, which must fail. Returns the message. */
async function refusal(lottery: FakeLottery): Promise<string> {
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  const { message } = await assertRejects(() => agency.run(agencyBets(), LIMITS), RefusedError);
  return message;
}

Deno.test("Agency.run() sends nothing when stored bets are not the first ones of its file", async () => {
  const table = [
    [FOREIGN],
    [FOREIGN, ...BETS.slice(1)],
    [...BETS.slice(0, 4), FOREIGN],
    BETS.slice(1),
    [...BETS.slice(0, 9), BETS[9].replace("Ana", "ana")],
    [BETS[1], BETS[0], ...BETS.slice(2)],
  ];
  for (const stored of table) {
    const lottery = new FakeLottery();
    lottery.bets = [...stored];
    const message = await refusal(lottery);
    assertStringIncludes(message, "other bets of agency 1 than bets.csv: they have");
    assertStringIncludes(message, `${stored.length} and the file has 10`);
    assertStringIncludes(message, "./denow task check --data bets.csv names the first row");
    assertEquals(lottery.packets.filter(isStore), []);
    assertEquals(lottery.isClosed, false);
  }
});

Deno.test("Agency.run() resumes a file to which bets were added", async () => {
  const lottery = new FakeLottery();
  for (const count of [3, 5, 10]) {
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await agency.sendBets(agencyBets(BETS.slice(0, count)), LIMITS);
    assertEquals(lottery.bets, BETS.slice(0, count));
  }
});

Deno.test("Agency.run() fails when somebody stores a bet while it sends", async () => {
  for (const nth of [1, 2, 3, 4]) {
    for (const failure of [undefined, "reset", "close"] as const) {
      const lottery = new FakeLottery();
      lottery.intercept = onNth("StoreBatch", nth, () => {
        lottery.bets.push(FOREIGN);
        return failure;
      });
      assertStringIncludes(await refusal(lottery), "Cannot continue");
      assertEquals(lottery.bets, [...BETS.slice(0, 3 * (nth - 1)), FOREIGN]);
      assertEquals(lottery.isClosed, false);
    }
  }
});

Deno.test("Agency.run() does not close when a bet was added or replaced after its last batch", async () => {
  for (
    const change of [(bets: string[]) => bets.push(FOREIGN), (bets: string[]) => bets[4] = FOREIGN]
  ) {
    const lottery = new FakeLottery();
    lottery.intercept = onNth("StoreBatch", 4, (packet) => {
      lottery.store(packet.slice("StoreBatch:".length));
      change(lottery.bets);
      return { answer: "StoreResponse:0\n" };
    });
    await refusal(lottery);
    assertEquals(lottery.packets.filter((packet) => packet.startsWith("AgencyClose")), []);
  }
});

Deno.test("Agency.run() fails when a bet was added just before the agency closed", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("AgencyClose", 1, () => {
    lottery.bets.push(FOREIGN);
    return undefined;
  });
  assertStringIncludes(await refusal(lottery), "have 11 bets of agency 1, but only 10 came");
});

Deno.test("Agency.run() compares again before it repeats the close on another connection", async () => {
  const lottery = new FakeLottery();
  lottery.intercept = onNth("WinnersRequest", 1, () => {
    // Another draw has begun at the same address, with as many bets.
    lottery.bets = [...BETS.slice(0, 9), FOREIGN];
    lottery.isClosed = false;
    return "reset";
  });
  assertStringIncludes(await refusal(lottery), "other bets of agency 1");
  assertEquals(lottery.isClosed, false);
});

Deno.test("Agency.run() takes late bets of an earlier run for its own", async () => {
  const lottery = new FakeLottery();
  lottery.bets = BETS.slice(0, 3);
  // Two late packets of three bets each: between counting and comparing, and after that.
  let late = 0;
  lottery.intercept = (packet) => {
    if (late < 2 && packet === "DigestRequest:1") lottery.bets = BETS.slice(0, 3 + 3 * ++late);
    return undefined;
  };
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  await agency.run(agencyBets(), LIMITS);
  assertEquals(lottery.bets, BETS);
});

Deno.test("Agency.run() neither loses nor takes over bets when another program sends too", async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const lottery = new FakeLottery();
    lottery.intercept = () => random.once(20) ? "reset" : undefined;
    const beforeRead = async () => {
      for (let turns = random.below(12); turns > 0; turns--) await Promise.resolve();
    };
    // Each has another last bet, and a second file may begin otherwise, too.
    const isSameStart = random.once(2);
    const files = [1, 2].map((file) =>
      BETS.map((bet, index) => isSameStart && index < 9 ? bet : bet.replace("Ana", `Ana ${file}`))
    );
    const results = await Promise.allSettled(files.map(async (file) => {
      const { agency, servers } = setUpAgency(lottery, { beforeRead });
      using _ = servers;
      await agency.run(agencyBets(file), LIMITS);
      return lottery.bets.join();
    }));
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") assertEquals(result.value, files[index].join());
      else assert(result.reason instanceof RefusedError, `seed ${seed}: ${result.reason}`);
    }
    outcomes.add(results.map(({ status }) => status).join());
  }
  // The test proves something only if each of them wins now and then, and sometimes neither.
  assert(
    outcomes.has("fulfilled,rejected") && outcomes.has("rejected,fulfilled"),
    [...outcomes].join("; "),
  );
});

Deno.test("Agency.run() goes on without digests when servers do not know them, and says so once", async () => {
  const lottery = new FakeLottery();
  lottery.hasDigests = false;
  lottery.bets = BETS.slice(0, 4);
  const { agency, servers, lines } = setUpAgency(lottery);
  using _ = servers;
  await agency.run(agencyBets(), LIMITS);
  assertEquals(lottery.bets, BETS);
  const asked = lottery.packets.filter((packet) => packet.startsWith("DigestRequest"));
  assertEquals(asked.length, 3);
  const warnings = lines.filter((line) => line.includes("do not know DigestRequest"));
  assertEquals(warnings.length, 1);
  assert(warnings[0].startsWith("WARN     action: progress | result: fail | agency: 1"));
});

Deno.test("Agency.run() still counts where servers do not know digests", async () => {
  const lottery = new FakeLottery();
  lottery.hasDigests = false;
  lottery.intercept = onNth("AgencyClose", 1, () => {
    lottery.bets.push(FOREIGN);
    return undefined;
  });
  assertStringIncludes(await refusal(lottery), "have 11 bets of agency 1");
});

Deno.test("Agency.run() takes servers that break a digest off for failing ones, not older ones", async () => {
  const failures = [{ answer: "DigestResponse:", isLast: true }, "reset"] as const;
  for (const failure of failures) {
    const lottery = new FakeLottery();
    lottery.bets = [FOREIGN];
    let left = 5;
    lottery.intercept = (packet) =>
      packet === "DigestRequest:1" && left-- > 0 ? failure : undefined;
    assertStringIncludes(await refusal(lottery), "other bets of agency 1");
    lottery.intercept = (packet) => packet === "DigestRequest:1" ? failure : undefined;
    const { agency, servers } = setUpAgency(lottery);
    using _ = servers;
    await assertRejects(() => agency.run(agencyBets(), LIMITS), UnreachableError);
  }
});

Deno.test("Agency.run() takes no server for an older one that answers nothing at all", async () => {
  const lottery = new FakeLottery();
  lottery.bets = [FOREIGN];
  let connections = 0;
  const accept = () => {
    const handle = lottery.accept();
    const isFailing = ++connections <= 5;
    let packets = 0;
    return (packet: string) => isFailing && ++packets > 1 ? "close" : handle(packet);
  };
  const { agency, servers } = setUpAgency(lottery, { accept });
  using _ = servers;
  const { message } = await assertRejects(() => agency.run(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(message, "other bets of agency 1");
});

Deno.test("Agency.run() still compares after two closed connections, or three with an answer between", async () => {
  const lottery = new FakeLottery();
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  let asked = 0;
  lottery.bets = BETS.slice(0, 1);
  lottery.intercept = (packet) => {
    if (packet === "DigestRequest:1") return ++asked === 3 ? undefined : "close";
    if (packet.startsWith("StoreBatch") && asked === 3) {
      lottery.bets.push(FOREIGN);
      return "reset";
    }
    if (asked === 5) lottery.intercept = () => undefined;
    return undefined;
  };
  const { message } = await assertRejects(() => agency.run(agencyBets(), LIMITS), RefusedError);
  assertStringIncludes(message, "other bets of agency 1");
});

Deno.test("Agency.close() by itself compares nothing", async () => {
  const lottery = new FakeLottery();
  lottery.bets = [FOREIGN];
  const { agency, servers } = setUpAgency(lottery);
  using _ = servers;
  await agency.close();
  assertEquals(lottery.packets, ["ProgressRequest:1", "AgencyClose:1", "ProgressRequest:1"]);
  assertEquals(lottery.isClosed, true);
});
