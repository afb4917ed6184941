/**
 * The suite that every engine of the ledger passes: {@linkcode testLedger} registers its tests.
 *
 * It knows the contract in ledger.ts and nothing of the engine. What an engine must provide is
 * {@linkcode LotteryUnderTest}: a lottery that several servers share, and a look at what is stored that does
 * not go through the ledger.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { withDeadline } from "../../shared/deadline.ts";
import { type BetBatch, BetDecoder } from "../../shared/mod.ts";
import { SEEN_TESTS } from "./seen_conformance.ts";
import type { AppendResult, DigestResult, Draw, Ledger } from "./ledger.ts";

/** Agencies of every lottery under test. */
export const AGENCIES = 3;
/** The winning number of every lottery under test. */
export const WINNING_NUMBER = 7574;

/** Longer than any change takes to reach another server. */
const CHANGE_PATIENCE_MS = 20_000;
const TODAY = 20261123;

/** A lottery whose ledger several servers share. */
export interface LotteryUnderTest extends AsyncDisposable {
  /** The server in whose rounds the batches of all others are stored. @default {each has rounds of its own} */
  readonly writer?: Ledger;
  /** Opens the ledger as one more server. Disposing of the lottery disposes of it. */
  open(): Promise<Ledger>;
  /** The documents of an agency's stored bets in their order, read without the ledger. */
  documents(agency: number): Promise<string[]>;
  /**
   * Appends a batch on a server of its own, in an empty lottery, and breaks that server so that the outcome
   * is unknown to it.
   */
  appendUnknown(batchFor: (ledger: Ledger) => BetBatch): Promise<{
    ledger: Ledger;
    result: AppendResult;
  }>;
}

/** How to register the tests of {@linkcode testLedger}. */
export interface TestLedgerOptions {
  /** Name of the engine, for the tests' names. */
  name: string;
  /** Starts an empty lottery. */
  start: () => Promise<LotteryUnderTest>;
  /** Completes a test's definition: whether it is ignored, and why. @default {always run} */
  define?: (name: string) => { name: string; ignore: boolean };
}

/** Registers the tests. */
export function testLedger({ name, start, define }: TestLedgerOptions): void {
  for (const [what, test] of Object.entries({ ...TESTS, ...SEEN_TESTS })) {
    const title = `${name}: ${what}`;
    Deno.test({
      ...define?.(title) ?? { name: title },
      fn: async () => {
        await using lottery = await start();
        await test(lottery);
      },
    });
  }
}

/** A test of the suite. */
export type LedgerTest = (lottery: LotteryUnderTest) => Promise<void>;

/** A batch whose documents are `name-0`, `name-1` and so on. Its bets win if `number` is the winning one. */
export function batchOf(
  ledger: Pick<Ledger, "notation">,
  name: string,
  { agency = 1, count = 2, number = 1 } = {},
): BetBatch {
  const documents = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  return documentsBatch(ledger, documents, { agency, number });
}

function documentsBatch(
  { notation }: Pick<Ledger, "notation">,
  documents: string[],
  { agency, number }: { agency: number; number: number },
): BetBatch {
  const bets = documents.map((document) => `Ana;Paz;${document};1980-01-01;${number}`);
  const packet = new TextEncoder().encode(`StoreBatch:${agency};${bets.join(":")}`);
  const rules = { agencies: AGENCIES, today: TODAY };
  return new BetDecoder(notation).decode("StoreBatch", packet, rules);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

async function progressOf(ledger: Ledger, agency: number): Promise<number> {
  const result = await ledger.progress(agency);
  assert(result.status === "known", JSON.stringify(result));
  return result.bets;
}

/** The documents of an agency's winners. */
async function winnersOf(draw: Draw, agency: number): Promise<string[]> {
  const pieces = await Array.fromAsync(draw.winners(agency));
  const text = pieces.map((piece) => new TextDecoder().decode(piece)).join(";");
  return text === "" ? [] : text.split(";");
}

const STORED: AppendResult = { status: "stored" };

const TESTS: Record<string, LedgerTest> = {
  "append() stores all bets of a batch, in their order": async (lottery) => {
    const ledger = await lottery.open();
    assertEquals(await ledger.append(batchOf(ledger, "a", { count: 300 })), STORED);
    const expected = Array.from({ length: 300 }, (_, index) => `a-${index}`);
    assertEquals(await lottery.documents(1), expected);
    assertEquals(await lottery.documents(2), []);
  },

  "append() stores batches of an agency in the order of the calls": async (lottery) => {
    const ledger = await lottery.open();
    const names = Array.from({ length: 40 }, (_, index) => `b${index}`);
    const results = await Promise.all(names.map((name) => ledger.append(batchOf(ledger, name))));
    assertEquals(new Set(results.map(({ status }) => status)), new Set(["stored"]));
    assertEquals(await lottery.documents(1), names.flatMap((name) => [`${name}-0`, `${name}-1`]));
  },

  "append() refuses a batch whose expected count is wrong, and stores nothing of it": async (
    lottery,
  ) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    assertEquals(await one.append(batchOf(one, "a"), 0), STORED);
    assertEquals(await two.append(batchOf(two, "b"), 2), STORED);
    for (const expected of [0, 2, 3, 5, 100]) {
      const result = await one.append(batchOf(one, "wrong"), expected);
      assertEquals(result.status, "refused", `expected ${expected}`);
    }
    assertEquals(await one.append(batchOf(one, "c"), 4), STORED);
    assertEquals(await lottery.documents(1), ["a-0", "a-1", "b-0", "b-1", "c-0", "c-1"]);
  },

  "append() stores one of several batches that expect the same count": async (lottery) => {
    const ledgers = [await lottery.open(), await lottery.open()];
    const results = await Promise.all(
      [0, 1, 2, 3, 4, 5].map((index) => {
        const ledger = ledgers[index % 2];
        return ledger.append(batchOf(ledger, `b${index}`), 0);
      }),
    );
    assertEquals(results.filter(({ status }) => status === "stored").length, 1);
    assertEquals(results.filter(({ status }) => status === "refused").length, 5);
    const winner = results.findIndex(({ status }) => status === "stored");
    assertEquals(await lottery.documents(1), [`b${winner}-0`, `b${winner}-1`]);
  },

  "append() compares the expected count of each agency alone": async (lottery) => {
    const ledger = await lottery.open();
    const results = await Promise.all([
      ledger.append(batchOf(ledger, "a", { agency: 1 }), 0),
      ledger.append(batchOf(ledger, "b", { agency: 2, count: 1 }), 0),
      ledger.append(batchOf(ledger, "early", { agency: 3 }), 1),
      ledger.append(batchOf(ledger, "c", { agency: 1 }), 2),
      ledger.append(batchOf(ledger, "d", { agency: 2 }), 1),
    ]);
    const statuses = results.map(({ status }) => status);
    assertEquals(statuses, ["stored", "stored", "refused", "stored", "stored"]);
    assertEquals(await lottery.documents(1), ["a-0", "a-1", "c-0", "c-1"]);
    assertEquals(await lottery.documents(2), ["b-0", "d-0", "d-1"]);
    assertEquals(await lottery.documents(3), []);
  },

  "close() keeps every server from storing bets of the agency": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    assertEquals(await one.append(batchOf(one, "a")), STORED);
    assertEquals(await two.close(1), { status: "closed", repeated: false });
    for (const ledger of [one, two, await lottery.open()]) {
      for (const expected of [undefined, 2]) {
        const result = await ledger.append(batchOf(ledger, "late"), expected);
        assertEquals(result.status, "refused");
      }
      assertEquals(await ledger.append(batchOf(ledger, "open", { agency: 2, count: 1 })), STORED);
    }
    assertEquals(await lottery.documents(1), ["a-0", "a-1"]);
    assertEquals(await lottery.documents(2), ["open-0", "open-0", "open-0"]);
  },

  "close() lets an append that races it store its bets before, or not at all": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    for (const agency of [1, 2, 3]) {
      const appends = [0, 1, 2, 3].map((index) => {
        const ledger = index % 2 === 0 ? one : two;
        return ledger.append(batchOf(ledger, `b${index}`, { agency, count: 1 }));
      });
      const closed = await (agency === 2 ? one : two).close(agency);
      assertEquals(closed, { status: "closed", repeated: false });
      const atClose = await lottery.documents(agency);
      const results = await Promise.all(appends);
      const stored = results.flatMap(({ status }, index) => status === "stored" ? [index] : []);
      assertEquals(new Set(atClose), new Set(stored.map((index) => `b${index}-0`)));
      assertEquals(await lottery.documents(agency), atClose);
    }
  },

  "close() may be repeated, on every server": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    assertEquals(await one.close(2), { status: "closed", repeated: false });
    assertEquals(await one.close(2), { status: "closed", repeated: true });
    assertEquals(await two.close(2), { status: "closed", repeated: true });
    assertEquals(await (await lottery.open()).close(2), { status: "closed", repeated: true });
  },

  "draw() returns nothing before every agency has closed": async (lottery) => {
    const ledgers = [await lottery.open(), await lottery.open()];
    for (let agency = 1; agency <= AGENCIES; agency++) {
      for (const ledger of ledgers) assertEquals(await ledger.draw(), undefined);
      await ledgers[agency % 2].close(agency);
    }
    for (const ledger of ledgers) assert(await ledger.draw() !== undefined);
  },

  "draw() names the winners in their order, on every server": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    const number = WINNING_NUMBER;
    for (const [index, ledger] of [one, two, two, one].entries()) {
      assertEquals(
        await ledger.append(batchOf(ledger, `w${index}`, { agency: 2, number })),
        STORED,
      );
      assertEquals(await ledger.append(batchOf(ledger, `l${index}`, { agency: 1 })), STORED);
    }
    const third = batchOf(two, "third", { agency: 3, count: 1, number });
    assertEquals(await two.append(third), STORED);
    for (let agency = 1; agency <= AGENCIES; agency++) await one.close(agency);
    const expected = [0, 1, 2, 3].flatMap((index) => [`w${index}-0`, `w${index}-1`]);
    for (const ledger of [one, two, await lottery.open()]) {
      const draw = await ledger.draw();
      assert(draw !== undefined);
      for (let time = 0; time < 2; time++) {
        assertEquals(await winnersOf(draw, 1), []);
        assertEquals(await winnersOf(draw, 2), expected);
        assertEquals(await winnersOf(draw, 3), ["third-0"]);
      }
    }
  },

  "draw() returns documents exactly as they were sent": async (lottery) => {
    const ledger = await lottery.open();
    const documents = ['3"0', "4,0", "ñandú 7", " leading", "trailing ", '"', ",", "€😀"];
    const batch = documentsBatch(ledger, documents, { agency: 1, number: WINNING_NUMBER });
    assertEquals(await ledger.append(batch), STORED);
    for (let agency = 1; agency <= AGENCIES; agency++) await ledger.close(agency);
    assertEquals(await winnersOf((await ledger.draw())!, 1), documents);
    const reopened = await lottery.open();
    assertEquals(await winnersOf((await reopened.draw())!, 1), documents);
  },

  "progress() never decreases and includes every acknowledged bet": async (lottery) => {
    const ledgers = [await lottery.open(), await lottery.open()];
    let [acknowledged, last] = [0, 0];
    for (let round = 0; round < 15; round++) {
      const ledger = ledgers[round % 2];
      const appending = ledger.append(batchOf(ledger, `b${round}`, { count: 3 }));
      const asked = await Promise.all(ledgers.map((ledger) => progressOf(ledger, 1)));
      assertEquals(await appending, STORED);
      assertGreaterOrEqual(Math.min(...asked), last);
      acknowledged += 3;
      for (const ledger of ledgers) assertEquals(await progressOf(ledger, 1), acknowledged);
      last = acknowledged;
    }
    assertEquals(await progressOf(await lottery.open(), 1), acknowledged);
    assertEquals(await progressOf(ledgers[0], 2), 0);
  },

  "progress() resolves an unknown outcome: a repeated batch is stored once": async (lottery) => {
    const { ledger: broken, result } = await lottery.appendUnknown((ledger) =>
      batchOf(ledger, "a", { count: 5 })
    );
    assertEquals(result.status, "unknown");
    const ledger = await lottery.open();
    const bets = await progressOf(ledger, 1);
    assert(bets === 0 || bets === 5, `${bets} of 5 bets`);
    const repeated = await ledger.append(batchOf(ledger, "a", { count: 5 }), 0);
    assertEquals(repeated.status, bets === 0 ? "stored" : "refused");
    assertEquals(await lottery.documents(1), ["a-0", "a-1", "a-2", "a-3", "a-4"]);
    // The server that cannot know the outcome must not guess it.
    const later = await broken.append(batchOf(broken, "later"), 0);
    assert(later.status !== "stored");
  },

  "digest() covers exactly the durable bets of the agency, on every server": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    const rows = new Map(Array.from({ length: AGENCIES }, (_, index) => [index + 1, ""]));
    for (let round = 0; round < 12; round++) {
      const ledger = round % 2 === 0 ? one : two;
      const agency = round % 3 === 0 ? 2 : 1;
      const options = { agency, count: 1 + round, number: 10 * round };
      assertEquals(await ledger.append(batchOf(ledger, `ñ,"${round}`, options)), STORED);
      const { bytes } = batchOf({ notation: "rows" }, `ñ,"${round}`, options);
      rows.set(agency, rows.get(agency)! + new TextDecoder().decode(bytes));
      const asked = [one, two].flatMap((ledger) => [1, 2, 3].map((agency) => ({ ledger, agency })));
      await Promise.all(asked.map(async ({ ledger, agency }) => {
        const text = rows.get(agency)!;
        const expected = { status: "known", bets: text.split("\n").length - 1, sha256: hash(text) };
        assertEquals(await ledger.digest(agency), expected as DigestResult);
      }));
    }
  },

  "digest() counts no more bets than it covers while others append": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    let text = "";
    const known = new Map([[0, hash("")]]);
    for (let round = 0; round < 20; round++) {
      const { bytes } = batchOf({ notation: "rows" }, `b${round}`);
      text += new TextDecoder().decode(bytes);
      known.set(2 * round + 2, hash(text));
      const appending = one.append(batchOf(one, `b${round}`));
      for (const ledger of [one, two]) {
        const digest = await ledger.digest(1);
        assert(digest.status === "known");
        assertEquals(digest.sha256, known.get(digest.bets));
      }
      await appending;
    }
  },

  "onChange() notifies a server of the last close on another one": async (lottery) => {
    const [one, two] = [await lottery.open(), await lottery.open()];
    const changed = new Promise<Draw>((resolve) =>
      one.onChange(async () => {
        const draw = await one.draw();
        if (draw !== undefined) resolve(draw);
      })
    );
    for (let agency = 1; agency <= AGENCIES; agency++) await two.close(agency);
    await withDeadline(changed, {
      timeoutMs: CHANGE_PATIENCE_MS,
      error: () => new Error("the other server was not notified"),
    });
  },

  "dispose finishes the work in hand": async (lottery) => {
    const ledger = await lottery.open();
    const storing = [1, 2, 3].map((agency) => ledger.append(batchOf(ledger, "a", { agency })));
    const closing = ledger.close(3);
    await ledger[Symbol.asyncDispose]();
    for (const result of await Promise.all(storing)) assert(result.status !== "unknown");
    assertEquals(await closing, { status: "closed", repeated: false });
    const next = await lottery.open();
    for (const [index, agency] of [1, 2, 3].entries()) {
      const { status } = await storing[index];
      assertEquals(await progressOf(next, agency), status === "stored" ? 2 : 0);
    }
    assertEquals(await next.close(3), { status: "closed", repeated: true });
  },

  "sessions on several servers append at once without mixing their batches": async (lottery) => {
    const ledgers = [await lottery.open(), await lottery.open()];
    const agencies = Array.from({ length: AGENCIES }, (_, index) => index + 1);
    await Promise.all(agencies.map(async (agency) => {
      for (let round = 0; round < 20; round++) {
        const ledger = ledgers[(agency + round) % 2];
        const batch = batchOf(ledger, `b${round}`, { agency, count: agency });
        assertEquals(await ledger.append(batch, round * agency), STORED);
      }
    }));
    for (const agency of agencies) {
      const expected = Array.from({ length: 20 }, (_, round) => round).flatMap((round) =>
        Array.from({ length: agency }, (_, index) => `b${round}-${index}`)
      );
      assertEquals(await lottery.documents(agency), expected);
      for (const ledger of ledgers) assertEquals(await progressOf(ledger, agency), 20 * agency);
    }
  },
};
