import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import type { NatsSettings } from "../../server/ledger/ledger_settings.ts";
import { NatsCluster } from "../../testing/nats_cluster.ts";
import { NatsConnection } from "../../testing/nats_connection.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { TaskError } from "../project.ts";
import { ExportFolder } from "../export/export_folder.ts";
import { exportStreams } from "../export/export_streams.ts";
import { checkStreams, compareStreams } from "./check_streams.ts";
import { resetStreams } from "./reset_streams.ts";
import { openStreams, type StreamLedger } from "./stream_ledger.ts";

const NEEDS = ["run", "write", "net", "read", "env", "natsServer"] as const;
const DRAW = { agencies: 3, winningNumber: 7574 };
const [ANA, EVA] = ["Ana,Gil,1,1990-01-01,42\n", '"Eva, María",Sosa,2,1990-01-02,7574\n'];

/** A message as a test publishes it. */
interface Message {
  agency: number;
  kind?: string;
  /** Rows without their agency. */
  rows?: string[];
  /** The agency's bets after it. @default {the right number} */
  bets?: number;
  id?: string;
  /** @default {the sequence of the agency's last message} */
  expected?: number | null;
  subject?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** A lottery on a node, into whose streams a test publishes by itself. */
class Lottery implements AsyncDisposable {
  readonly streams: StreamLedger;
  readonly draw: string;
  readonly #connection: NatsConnection;
  readonly #last = new Map<number, { sequence: number; bets: number }>();

  private constructor(streams: StreamLedger, draw: string, connection: NatsConnection) {
    this.streams = streams;
    this.draw = draw;
    this.#connection = connection;
  }

  static async begin(cluster: NatsCluster, name: string): Promise<Lottery> {
    const settings = settingsOf(cluster, name);
    const { connectCluster } = await import("../../server/ledger/jetstream/cluster.ts");
    const { joinDraw } = await import("../../server/ledger/jetstream/draws.ts");
    const joined = await connectCluster(settings);
    const { draw } = await joinDraw(joined, { ...settings, ...DRAW });
    await joined.connection.close();
    const connection = await NatsConnection.open(cluster.nodes[0].address);
    return new Lottery(await openStreams(settings), draw.id.slice(0, 8), connection);
  }

  /** The name of the stream of an agency. */
  streamOf(agency: number): string {
    return `${this.streams.name.toUpperCase()}_${this.draw}_${agency % 2}`;
  }

  async publish(message: Message): Promise<void> {
    const { agency, kind = "bets", rows = [], id = crypto.randomUUID() } = message;
    const last = this.#last.get(agency) ?? { sequence: 0, bets: 0 };
    const { bets = last.bets + rows.length, expected = last.sequence } = message;
    const headers: Record<string, string> = message.headers ?? {
      "Lottery-Id": id,
      "Lottery-Kind": kind,
      "Lottery-Bets": String(bets),
      ...expected === null ? {} : { "Nats-Expected-Last-Subject-Sequence": String(expected) },
    };
    const body = message.body ?? rows.map((row) => `${agency},${row}`).join("");
    const subject = message.subject ??
      `${this.streams.name}.${this.draw}.bets.${agency % 2}.${agency}`;
    const { data } = await this.#connection.request(subject, body, { headers });
    const answer = JSON.parse(new TextDecoder().decode(data));
    if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
    this.#last.set(agency, { sequence: answer.seq, bets });
  }

  /** Changes the settings of a stream. */
  async edit(stream: string, changes: Record<string, unknown>): Promise<void> {
    const { config } = await this.#connection.requestJson(`$JS.API.STREAM.INFO.${stream}`);
    const answer = await this.#connection.requestJson(
      `$JS.API.STREAM.UPDATE.${stream}`,
      { ...config, ...changes },
    );
    if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
  }

  async deleteStream(stream: string): Promise<void> {
    await this.#connection.requestJson(`$JS.API.STREAM.DELETE.${stream}`);
  }

  async check(): Promise<{ exitCode: number; text: string }> {
    const { lines, exitCode } = await checkStreams(this.streams);
    return { exitCode, text: lines.join("\n") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.streams[Symbol.asyncDispose]();
  }
}

function settingsOf(cluster: NatsCluster, name: string): NatsSettings {
  return {
    nodes: cluster.addresses,
    isTls: false,
    name,
    partitions: 2,
    replicas: 1,
    user: "",
    password: "",
    nkeyFile: "",
    credentialsFile: "",
    tls: { caFile: "", certFile: "", keyFile: "", isFirst: false },
  };
}

/** What a test does to a sound draw of two agencies, and what the check says. */
interface Case {
  name: string;
  /** Agency 1 has closed before it, agency 2 has not. */
  damage: (lottery: Lottery) => Promise<void>;
  exitCode: number;
  says: RegExp;
}

const CASES: Case[] = [
  {
    name: "a header with a wrong number of bets",
    damage: (lottery) => lottery.publish({ agency: 2, rows: [ANA], bets: 7 }),
    exitCode: 4,
    says: /count: 1\n {2}message 4: agency 2 has 3 bets with it, but its header says 7/,
  },
  {
    name: "an invalid row",
    damage: (lottery) => lottery.publish({ agency: 2, rows: ["Ana,Gil,1,1990-02-30,42\n"] }),
    exitCode: 4,
    says: /fault: \S+_0: birthdate: 1\n {2}message 4: row 1: birthdate "1990-02-30"/,
  },
  {
    name: "a row of another agency",
    damage: (lottery) => lottery.publish({ agency: 2, body: `1,${ANA}`, bets: 3 }),
    exitCode: 4,
    says: /agency: 1\n {2}message 4: row 1 is of agency 1, not 2/,
  },
  {
    name: "a message without a condition",
    damage: (lottery) => lottery.publish({ agency: 2, rows: [ANA], expected: null }),
    exitCode: 4,
    says:
      /condition: 1\n {2}message 4: it expects "" to be the last message of agency 2, which is 3/,
  },
  {
    name: "a message that is there twice",
    damage: async (lottery) => {
      const id = crypto.randomUUID();
      for (let copy = 0; copy < 2; copy++) await lottery.publish({ agency: 2, rows: [ANA], id });
    },
    exitCode: 4,
    says: /twice: 1\n {2}message 5: agency 2: the message before it has the same id/,
  },
  {
    name: "a message that no server has written",
    damage: (lottery) => lottery.publish({ agency: 2, body: "hello", headers: { A: "b" } }),
    exitCode: 4,
    says: /not a server's: 1\n {2}message 4: /,
  },
  {
    name: "an agency that is not part of the lottery",
    damage: (lottery) => lottery.publish({ agency: 4, kind: "mark" }),
    exitCode: 4,
    says: /agency: 1\n {2}message 4: agency 4 is over 3/,
  },
  {
    name: "a message after the close",
    damage: (lottery) => lottery.publish({ agency: 1, rows: [ANA] }),
    exitCode: 5,
    says: /after the close: 1\n {2}message 3: agency 1 has closed before this message of kind bets/,
  },
  {
    name: "a stream that may lose messages",
    damage: (lottery) => lottery.edit(lottery.streamOf(2), { max_age: 3_600_000_000_000 }),
    exitCode: 5,
    says: /^unsafe: .*_0 does not keep what it stores:\n.*max_age/m,
  },
  {
    name: "a stream that has lost messages",
    damage: (lottery) => lottery.edit(lottery.streamOf(2), { max_msgs: 1, discard: "old" }),
    exitCode: 4,
    says: /missing: 1\n {2}message 1: messages 1 to 2 are missing/,
  },
  {
    name: "a stream that is gone",
    damage: (lottery) => lottery.deleteStream(lottery.streamOf(2)),
    exitCode: 4,
    says: /_0: is missing\n[^]*LOST: \S+_0\. No server starts/,
  },
];

/** Publishes what servers would. */
async function publishDraw(lottery: Lottery): Promise<void> {
  await lottery.publish({ agency: 1, rows: [ANA, EVA] });
  await lottery.publish({ agency: 2, rows: [EVA] });
  await lottery.publish({ agency: 2, kind: "mark" });
  await lottery.publish({ agency: 2, rows: [ANA] });
  await lottery.publish({ agency: 1, kind: "close" });
}

Deno.test({
  ...needs(NEEDS, "checkStreams() names every kind of damage to the streams of a draw"),
  fn: async (test) => {
    await using cluster = await NatsCluster.start({ nodes: 1 });
    await test.step("a sound draw", async () => {
      await using lottery = await Lottery.begin(cluster, "sound");
      await publishDraw(lottery);
      const { exitCode, text } = await lottery.check();
      assertMatch(text, /^ +1 +2 {2}yes\n +2 +2 {2}no\n +3 +0 {2}no\n/m);
      assertMatch(
        text,
        /draw: not complete, 1 of 3 agencies have closed; still open: 2, 3\nSOUND$/,
      );
      assertEquals(exitCode, 0);
    });
    for (const [index, { name, damage, exitCode, says }] of CASES.entries()) {
      await test.step(name, async () => {
        await using lottery = await Lottery.begin(cluster, `case-${index}`);
        await publishDraw(lottery);
        await damage(lottery);
        const found = await lottery.check();
        assertMatch(found.text, says);
        assertEquals(found.exitCode, exitCode, found.text);
      });
    }
  },
});

Deno.test({
  ...needs(
    NEEDS,
    "compareStreams(), exportStreams() and resetStreams() work on the streams of a draw",
  ),
  fn: async (test) => {
    await using cluster = await NatsCluster.start({ nodes: 1 });
    await using lottery = await Lottery.begin(cluster, "lottery");
    await using folder = tempFolder();
    const { streams } = lottery;

    await test.step("an empty draw is not reset, unless the settings differ", async () => {
      assertStringIncludes(await resetStreams(streams, DRAW), "it stays the current one");
    });
    await publishDraw(lottery);

    await test.step("stored bets are compared with a file", async () => {
      const data = `${folder.path}/agency-2.csv`;
      await Deno.writeTextFile(data, EVA + ANA);
      const same = await compareStreams(streams, { agency: 2, data });
      assertEquals(same.exitCode, 0, same.lines.join("\n"));
      await Deno.writeTextFile(data, EVA + EVA);
      const other = await compareStreams(streams, { agency: 2, data });
      assertEquals(other.exitCode, 6);
      assertStringIncludes(other.lines.join("\n"), `row 1 of message 3 of ${lottery.streamOf(2)}`);
    });

    await test.step("an export keeps the order of each agency", async () => {
      await using files = await ExportFolder.open(`${folder.path}/export`);
      assertEquals(await exportStreams(streams, files), { bets: 4, closed: 1, faults: 0 });
      await files.finish();
      assertEquals(
        await Deno.readTextFile(`${folder.path}/export/bets.csv`),
        [`2,${EVA}`, `2,${ANA}`, `1,${ANA}`, `1,${EVA}`].join(""),
      );
      assertEquals(await Deno.readTextFile(`${folder.path}/export/agencies_closed.txt`), "1\n");
      await assertRejects(() => ExportFolder.open(files.path), TaskError, "nothing is overwritten");
    });

    await test.step("an export that fails leaves nothing", async () => {
      const path = `${folder.path}/failed`;
      await using empty = await Lottery.begin(cluster, "empty");
      {
        await using files = await ExportFolder.open(path);
        await exportStreams(empty.streams, files);
      }
      assertEquals(await Array.fromAsync(Deno.readDir(path)), []);
    });

    await test.step("a reset begins another draw, and keeps the streams", async () => {
      const text = await resetStreams(streams, DRAW);
      const kept = `the streams ${lottery.streamOf(2)} to ${lottery.streamOf(1)}`;
      assertStringIncludes(text, `the last one stays in ${kept}`);
      assertEquals((await streams.currentDraw())?.sequence, 2);
      assertStringIncludes(await resetStreams(streams, DRAW), "it stays the current one");
      assertStringIncludes(await resetStreams(streams, { ...DRAW, agencies: 4 }), "Began draw ");
      assertEquals((await streams.currentDraw())?.draw.agencies, 4);
      assertEquals((await cluster.streamNames()).includes(lottery.streamOf(1)), true);
    });
  },
});

Deno.test({
  ...needs(NEEDS, "openStreams() says which nodes it cannot reach, and what to do"),
  fn: async () => {
    const cluster = new NatsCluster({ nodes: 1 });
    await using _disposed = cluster;
    const error = await assertRejects(() => openStreams(settingsOf(cluster, "x")), TaskError);
    assertStringIncludes(
      error.message,
      `Cannot reach the nodes of the ledger (${cluster.addresses[0]})`,
    );
    assertStringIncludes(error.message, "doctor");
  },
});
