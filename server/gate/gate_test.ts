import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { beginClient, makeVerifier } from "../../shared/scram.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { SummedWarnings } from "../summed_warnings.ts";
import { keepLog } from "../testing/ledgers.ts";
import { noKeys } from "./agency_keys.ts";
import { type Admission, Gate, type GateOptions, type Visitor } from "./gate.ts";
import { readKeyFile, writeKeyFile } from "./key_file.ts";

const NEEDS = ["read", "write"] as const;
const SECRET = noKeys().secret;
const REFUSAL = "AuthResponse:e=not-admitted\n";

/** Opens a gate that knows the keys of these agencies, by their numbers. */
async function openGate(
  keys: Record<string, string>,
  options: Partial<Pick<GateOptions, "now" | "pause" | "audit">> = {},
) {
  await using stack = new AsyncDisposableStack();
  const path = `${stack.use(tempFolder()).path}/agency.keys`;
  const write = async (keys: Record<string, string>) => {
    const entries = Object.entries(keys).map(async ([agency, key]) =>
      [Number(agency), await makeVerifier(key)] as const
    );
    writeKeyFile(path, { secret: SECRET, verifiers: new Map(await Promise.all(entries)) });
  };
  await write(keys);
  const { log, lines } = keepLog();
  const warnings = stack.use(new SummedWarnings(log));
  const defaults = { path, log, warnings, now: () => 0, intervalMs: 0 };
  const gate = stack.use(new Gate({ ...defaults, ...options }));
  const resources = stack.move();
  return {
    gate,
    path,
    lines,
    write,
    /** Looks until the changed file has settled. */
    settle: async () => {
      for (let look = 0; look < 2; look++) await gate.look();
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** A visitor whose packets a test writes. */
class TestVisitor implements Visitor {
  readonly #ending = new AbortController();
  readonly #packets: ((received: readonly string[]) => string | Promise<string>)[];
  /** What the gate wrote. */
  readonly received: string[] = [];
  revocations = 0;

  constructor(...packets: ((received: readonly string[]) => string | Promise<string>)[]) {
    this.#packets = packets;
  }

  async nextLine(): Promise<Uint8Array | undefined> {
    const packet = await this.#packets.shift()?.(this.received);
    return packet === undefined ? undefined : new TextEncoder().encode(packet);
  }

  write(bytes: Uint8Array): Promise<void> {
    this.received.push(new TextDecoder().decode(bytes));
    return Promise.resolve();
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  onRevoked(): void {
    this.revocations++;
  }

  leave(): void {
    this.#ending.abort();
  }
}

/** A visitor that says which agency it is, and proves that it knows a key. */
function visitorWith(name: string, key: string): TestVisitor {
  const exchange = beginClient({ name, key });
  return new TestVisitor(
    () => `AuthRequest:${exchange.first}`,
    async ([challenge]) => {
      const message = challenge.trimEnd().replace("AuthChallenge:", "");
      return `AuthProof:${(await exchange.answer(message)).final}`;
    },
  );
}

function origin(source: string) {
  return { peer: `${source}:4711`, source };
}

async function admit(gate: Gate, visitor: TestVisitor, source = "10.0.0.1") {
  return await gate.admit(visitor, origin(source));
}

Deno.test({
  ...needs(NEEDS, "Gate.admit() admits who knows the key of an agency, for that agency"),
  async fn() {
    await using test = await openGate({ 3: "three", 4: "four" });
    const visitor = visitorWith("3", "three");
    using admission = await admit(test.gate, visitor);
    assertEquals(admission?.agency, 3);
    assertMatch(visitor.received[0], /^AuthChallenge:r=\S+,s=\S+,i=4096\n$/);
    assertMatch(visitor.received[1], /^AuthResponse:v=\S+\n$/);
    assertEquals([visitor.received.length, test.gate.refused], [2, 0]);
  },
});

Deno.test({
  ...needs(NEEDS, "Gate.admit() lets an audit record who was admitted, and who was not"),
  async fn() {
    const recorded: unknown[] = [];
    const audit = {
      admitted: (peer: unknown) => void recorded.push(peer),
      refused: (peer: unknown) => void recorded.push(peer),
    };
    await using test = await openGate({ 3: "three" }, { audit });
    using _admission = await admit(test.gate, visitorWith("3", "three"));
    await admit(test.gate, visitorWith("3", "wrong"), "10.0.0.2");
    assertEquals(recorded, [
      { address: "10.0.0.1:4711", agency: 3 },
      { address: "10.0.0.2:4711", reason: "it does not know the key of agency 3" },
    ]);
  },
});

Deno.test({
  ...needs(NEEDS, "Gate.admit() tells a stranger the same, whatever was wrong"),
  async fn(t) {
    await using test = await openGate({ 3: "three", 4: "four" });
    const strangers: [name: string, visitor: TestVisitor, reason: string][] = [
      ["a wrong key", visitorWith("3", "thre"), "does not know the key of agency 3"],
      ["another agency's key", visitorWith("3", "four"), "does not know the key of agency 3"],
      ["an unknown agency", visitorWith("5", "three"), "there is no key of the agency it names"],
      ["a name that is no number", visitorWith("03", "three"), "there is no key of the agency"],
    ];
    const notBegun = "it does not begin with a valid AuthRequest and AuthProof";
    const packets = [
      "StoreBet:3;Ana;Paz;30123456;1990-05-30;7574",
      "AuthRequest:x",
      "",
      "AuthProof:p=x",
    ];
    for (const packet of [...packets, `AuthRequest:n,,n=3,r=${"x".repeat(600)}`]) {
      strangers.push([packet, new TestVisitor(() => packet), notBegun]);
    }
    for (const [index, [name, visitor, reason]] of strangers.entries()) {
      await t.step(name, async () => {
        // Each comes from an address of its own, so none has to wait.
        assertEquals(await admit(test.gate, visitor, `10.0.0.${index}`), undefined);
        assertEquals(visitor.received.at(-1), REFUSAL);
        const log = test.lines.splice(0).filter((line) => line.includes("auth")).join("\n");
        assertStringIncludes(log, reason);
        for (const secret of ["Ana", "30123456", "three", "four"]) {
          assert(!log.includes(secret), log);
        }
      });
    }
    assertEquals(test.gate.refused, strangers.length);
  },
});

Deno.test({
  ...needs(NEEDS, "Gate.admit() challenges unknown agencies as it does known ones"),
  async fn() {
    await using test = await openGate({ 3: "three" });
    const saltOf = async (name: string) => {
      const visitor = new TestVisitor(() => `AuthRequest:n,,n=${name},r=abc`);
      assertEquals(await admit(test.gate, visitor), undefined);
      return /,(s=[^,]+,i=\d+)\n$/.exec(visitor.received[0])?.[1];
    };
    for (const name of ["3", "5", "6"]) {
      assertEquals(await saltOf(name), await saltOf(name));
      assertMatch(await saltOf(name) ?? "", /^s=[\w+/]{22}==,i=4096$/);
    }
    assert(await saltOf("5") !== await saltOf("6"));
    assertEquals(test.gate.refused, 0, "whoever leaves before the proof has not failed");
  },
});

Deno.test({
  ...needs(NEEDS, "Gate.admit() refuses a recorded conversation"),
  async fn() {
    await using test = await openGate({ 3: "three" });
    const recorded: string[] = [];
    const honest = visitorWith("3", "three");
    const nextLine = honest.nextLine.bind(honest);
    honest.nextLine = async () => {
      const line = await nextLine();
      recorded.push(new TextDecoder().decode(line));
      return line;
    };
    (await admit(test.gate, honest))![Symbol.dispose]();
    assertEquals(recorded.length, 2);
    const [request, proof] = recorded;
    const replay = new TestVisitor(() => request, () => proof);
    assertEquals(await admit(test.gate, replay), undefined);
    assertEquals(replay.received.at(-1), REFUSAL);
    // Not even with the nonce of the new challenge in the recorded proof.
    const forged = new TestVisitor(() => request, ([challenge]) => {
      const nonce = /r=([^,]+)/.exec(challenge)![1];
      return proof.replace(/r=[^,]+/, `r=${nonce}`);
    });
    assertEquals(await admit(test.gate, forged, "10.0.0.2"), undefined);
  },
});

Deno.test({
  ...needs(NEEDS, "Gate.admit() makes an address wait that has failed, and no other"),
  async fn() {
    const pauses: number[] = [];
    let nowMs = 0;
    await using test = await openGate({ 3: "three" }, {
      now: () => nowMs,
      pause: (timeMs) => {
        pauses.push(timeMs);
        nowMs += timeMs;
        return Promise.resolve();
      },
    });
    for (let failure = 0; failure < 4; failure++) {
      assertEquals(await admit(test.gate, visitorWith("3", "wrong")), undefined);
    }
    assertEquals(pauses.splice(0), [250, 500, 1000]);
    using _other = await admit(test.gate, visitorWith("3", "three"), "10.0.0.2");
    // Packets of another protocol are no guesses.
    assertEquals(await admit(test.gate, new TestVisitor(() => "x"), "10.0.0.3"), undefined);
    using _third = await admit(test.gate, visitorWith("3", "three"), "10.0.0.3");
    assertEquals(pauses, []);
    using own = await admit(test.gate, visitorWith("3", "three"));
    assertEquals([own?.agency, pauses], [3, [2000]], "even the right key has to wait");
  },
});

Deno.test({
  ...needs(
    NEEDS,
    "Gate.admit() lets 32 attempts wait, until their connections end, and fails others",
  ),
  async fn() {
    let waiting = 0;
    const pause = (_: number, signal: AbortSignal) => {
      waiting++;
      return new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve());
      });
    };
    await using test = await openGate({ 3: "three" }, { now: () => 0, pause });
    const addresses = Array.from({ length: 33 }, (_, index) => `10.0.0.${index}`);
    for (const address of addresses) await admit(test.gate, visitorWith("3", "wrong"), address);
    const visitors = addresses.map(() => visitorWith("3", "three"));
    const attempts = addresses.map((address, index) => admit(test.gate, visitors[index], address));
    // Whichever comes last: 32 wait for good.
    assertEquals(await Promise.race(attempts), undefined);
    assertEquals(waiting, 32);
    for (const visitor of visitors) visitor.leave();
    const admissions = (await Promise.all(attempts)).filter((admission) => admission !== undefined);
    assertEquals(admissions.length, 32);
    for (const admission of admissions) admission[Symbol.dispose]();
  },
});

Deno.test({
  ...needs(NEEDS, "Gate reloads its file, ends what a revoked key has opened, and keeps the rest"),
  async fn() {
    await using test = await openGate({ 3: "three", 4: "four", 5: "five" });
    const visitors = [
      visitorWith("3", "three"),
      visitorWith("4", "four"),
      visitorWith("5", "five"),
    ];
    const admissions: (Admission | undefined)[] = [];
    for (const visitor of visitors) admissions.push(await admit(test.gate, visitor));
    // One has left before its key is revoked.
    admissions[2]![Symbol.dispose]();
    const { verifiers } = readKeyFile(test.path);
    writeKeyFile(test.path, {
      secret: SECRET,
      verifiers: new Map([[4, verifiers.get(4)!], [3, await makeVerifier("new")]]),
    });
    await test.settle();
    assertEquals(visitors.map(({ revocations }) => revocations), [1, 0, 0]);
    assertStringIncludes(test.lines.join("\n"), "the key of agency 3 is no longer valid");
    assertEquals(await admit(test.gate, visitorWith("3", "three"), "a"), undefined);
    assertEquals((await admit(test.gate, visitorWith("3", "new"), "b"))?.agency, 3);
    assertEquals(await admit(test.gate, visitorWith("5", "five"), "c"), undefined);
  },
});

Deno.test({
  ...needs(
    NEEDS,
    "Gate keeps its keys if the file becomes faulty, logs why, and does not open with it",
  ),
  async fn() {
    await using test = await openGate({ 3: "three" });
    const visitor = visitorWith("3", "three");
    using _admission = await admit(test.gate, visitor);
    const faults: [spoil: () => Promise<void>, message: string][] = [
      [() => Deno.writeTextFile(test.path, "x"), "line 1 begins with no agency's number"],
      [() => Deno.chmod(test.path, 0o644), "its mode is 0644"],
      [() => Deno.remove(test.path), "No such file"],
    ];
    for (const [spoil, message] of faults) {
      await spoil();
      test.lines.length = 0;
      await test.settle();
      assertEquals(test.lines.length, 1);
      assertStringIncludes(test.lines[0], message);
      assertStringIncludes(test.lines[0], "the keys in use stay in use");
      const options = { path: test.path, log: keepLog().log, now: Date.now, intervalMs: 0 };
      using warnings = new SummedWarnings(options.log);
      assertThrows(() => new Gate({ ...options, warnings }), Error, message);
    }
    assertEquals(visitor.revocations, 0);
    assertEquals((await admit(test.gate, visitorWith("3", "three")))?.agency, 3);
    await test.write({ 4: "four" });
    await test.settle();
    assertEquals(visitor.revocations, 1);
  },
});
