import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { needs, PROGRAMS } from "../testing/needs.ts";
import type { Address } from "../testing/ports.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { mustRun } from "./faults/commands.ts";
import { TMPFS } from "./faults/requirements.ts";
import { runTask } from "./run_task.ts";

const AGENCIES = 3;
const BATCH = 20;
const WINS_EVERY = 7;

/** The document of an agency's bet. */
const documentOf = (agency: number, position: number) => `${agency}x${position}`;

function batchOf(agency: number, from: number): string {
  const bets = Array.from({ length: BATCH }, (_, index) => {
    const position = from + index;
    const number = position % WINS_EVERY === 0 ? 7574 : 1;
    return `Ana;Paz;${documentOf(agency, position)};1980-01-01;${number}`;
  });
  return `StoreBatch:${agency};${bets.join(":")}\n`;
}

/** An agency that sends batches until it is stopped. */
class Agency {
  acknowledged = 0;
  isStopping = false;
  readonly done: Promise<void>;
  #onBet: () => void = () => {};

  constructor(readonly number: number, address: Address) {
    this.done = this.#run(address);
  }

  /** Resolves when this many more bets are acknowledged. */
  async more(bets: number): Promise<void> {
    const goal = this.acknowledged + bets;
    while (this.acknowledged < goal) {
      await Promise.race([new Promise<void>((resolve) => this.#onBet = resolve), this.done]);
      if (this.isStopping) return;
    }
  }

  async #run(address: Address): Promise<void> {
    using connection = await LineConnection.open(address);
    while (!this.isStopping) {
      const answer = await connection.ask(batchOf(this.number, this.acknowledged + 1));
      assertEquals(answer, "StoreResponse:0");
      this.acknowledged += BATCH;
      this.#onBet();
    }
  }
}

/** Closes all agencies, and returns the winners of each. */
async function draw(group: ServerGroup): Promise<string[][]> {
  const winners: string[][] = [];
  using connection = await LineConnection.open(group.address);
  for (let agency = 1; agency <= AGENCIES; agency++) {
    await connection.send(`AgencyClose:${agency}\n`);
  }
  for (let agency = 1; agency <= AGENCIES; agency++) {
    const answer = await connection.ask(`WinnersRequest:${agency}\n`);
    winners.push(answer.replace("WinnersResponse:", "").split(";").filter(Boolean));
  }
  return winners;
}

Deno.test(
  needs(PROGRAMS, "servers write one certificate of their draw, which verify finds sound"),
  async () => {
    await using group = await ServerGroup.start({ servers: 3, agencies: AGENCIES });
    using connection = await LineConnection.open(group.address);
    await connection.ask(batchOf(2, 1));
    const winners = await draw(group);
    assertEquals(winners, [[], ["2x7", "2x14"], []]);
    const written = group.processes.map((process) => process.line(/action: certificate \| result/));
    await Promise.any(written);
    await group.stop();
    await Promise.allSettled(written);
    const lines = group.processes.flatMap((process) => process.lines)
      .filter((line) => line.includes("action: certificate"));
    assertEquals(lines.length, 1, lines.join("\n"));
    assertStringIncludes(await runTask("verify", ["--volume", group.volume]), "VERIFIED");
  },
);

Deno.test(
  needs(
    [...PROGRAMS, ...TMPFS],
    "a full disk harms no draw, and the certificate is written when there is room",
  ),
  async () => {
    await using folder = tempFolder();
    mustRun("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder.path]);
    await using _mounted = {
      [Symbol.asyncDispose]: () => Promise.resolve(mustRun("umount", ["-l", folder.path])),
    };
    const volume = folder.path;
    await using group = await ServerGroup.start({ servers: 1, agencies: AGENCIES, volume });
    using connection = await LineConnection.open(group.address);
    await connection.ask(batchOf(2, 1));
    await connection.send("AgencyClose:1\n");
    // Answered in order: the file of closed agencies has its room on the disk now.
    await connection.ask("ProgressRequest:1\n");
    await fill(`${volume}/filler`);
    assertEquals(await draw(group), [[], ["2x7", "2x14"], []]);
    const [server] = group.processes;
    await server.line(
      /action: certificate \| result: fail \| error: .*No space left.* retry_seconds: 1/,
    );
    assertEquals(Array.from(Deno.readDirSync(`${volume}/draws`), ({ name }) => name), [".lock"]);
    await Deno.remove(`${volume}/filler`);
    await server.line(/action: certificate \| result: success/);
    assertStringIncludes(await runTask("verify", ["--volume", volume]), "VERIFIED");
  },
);

/** Writes a file until the disk is full. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  const page = new Uint8Array(4096);
  for (;;) {
    try {
      await file.write(page);
    } catch (error) {
      assertStringIncludes(String(error), "No space left");
      return;
    }
  }
}

Deno.test(
  needs(PROGRAMS, "backup holds everything acknowledged before it began; a restored lottery draws"),
  async () => {
    await using folder = tempFolder();
    const [backup, volume] = [`${folder.path}/backup`, `${folder.path}/restored`];
    let before: number[];
    {
      await using group = await ServerGroup.start({ servers: 3, agencies: AGENCIES });
      const numbers = Array.from({ length: AGENCIES }, (_, index) => index + 1);
      const agencies = numbers.map((number) => new Agency(number, group.address));
      await Promise.all(agencies.map((agency) => agency.more(500)));
      before = agencies.map(({ acknowledged }) => acknowledged);
      await runTask("backup", ["--volume", group.volume, "--to", backup]);
      const after = agencies.map(({ acknowledged }) => acknowledged);
      assert(after.every((bets, index) => bets > before[index]), "betting went on meanwhile");
      await Promise.all(agencies.map((agency) => agency.more(100)));
      // Nothing may be overwritten: neither a backup nor a volume, used or not.
      const again = await runTask("backup", ["--volume", group.volume, "--to", backup], 1);
      assertStringIncludes(again, "it is not empty");
      const inUse = await runTask("restore", ["--volume", group.volume, "--from", backup], 1);
      assertStringIncludes(inUse, "Stop all servers first");
      for (const agency of agencies) agency.isStopping = true;
      await Promise.all(agencies.map(({ done }) => done));
      await group.stop();
      const taken = await runTask("restore", ["--volume", group.volume, "--from", backup], 1);
      assertStringIncludes(taken, "--archive");
    }
    await runTask("restore", ["--volume", volume, "--from", backup]);
    await runTask("check", ["--volume", volume, "--agencies", `${AGENCIES}`]);
    await using restored = await ServerGroup.start({ servers: 2, agencies: AGENCIES, volume });
    using connection = await LineConnection.open(restored.address);
    const stored: number[] = [];
    for (let agency = 1; agency <= AGENCIES; agency++) {
      const answer = await connection.ask(`ProgressRequest:${agency}\n`);
      stored.push(Number(answer.replace("ProgressResponse:", "")));
    }
    assert(stored.every((bets, index) => bets >= before[index]), `${stored} after ${before}`);
    assert(stored.every((bets) => bets % BATCH === 0), `${stored}: batches are whole`);
    const expected = stored.map((bets, index) =>
      Array.from(
        { length: Math.floor(bets / WINS_EVERY) },
        (_, win) => documentOf(index + 1, (win + 1) * WINS_EVERY),
      )
    );
    assertEquals(await draw(restored), expected);
    await Promise.any(restored.processes.map((process) => process.line(/action: certificate/)));
    assertStringIncludes(await runTask("verify", ["--volume", volume]), "VERIFIED");
    // The draw is over: a backup has its certificate, and is verified where it lies.
    const drawn = `${folder.path}/drawn`;
    await runTask("backup", ["--volume", volume, "--to", drawn]);
    assertStringIncludes(await runTask("verify", ["--volume", drawn]), "VERIFIED");
    await restored.stop();
    await runTask("restore", ["--volume", volume, "--from", drawn, "--archive"]);
    assertStringIncludes(await runTask("verify", ["--volume", volume]), "VERIFIED");
    const archived = Array.from(Deno.readDirSync(`${volume}/archive`), ({ name }) => name);
    assertEquals(archived.length, 1);
    assertStringIncludes(
      await runTask("verify", ["--volume", `${volume}/archive/${archived[0]}`]),
      "VERIFIED",
    );
  },
);
