import { assert, assertEquals, assertMatch } from "@std/assert";
import type { BoardState } from "../board/state.ts";
import { linesOf } from "../shared/lines.ts";
import { startBoard } from "../testing/boards.ts";
import { Browser, CHROMIUM, type Page } from "../testing/browser.ts";
import { startClient } from "../testing/clients.ts";
import { writeDrawRecord } from "../testing/draw_record.ts";
import { needs } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { ProjectCopy } from "./project_copy.ts";
import { assertStored, readBets, sampleBets, winnersOf } from "./bets.ts";

const BROWSER = ["run", "write", "env", "net", CHROMIUM] as const;
const SIZE = { width: 1280, height: 720 };

/** Returns the setting BOARD_SERVERS for servers that run. */
function listOf({ servers }: ServerGroup): string {
  return servers.map(({ name, statusPort }) => `${name}=127.0.0.1:${statusPort}`).join();
}

/** Checks that a page had no error, and asked nobody but the board. */
function assertClean(page: Page, url: string): void {
  assertEquals(page.errors, []);
  assertEquals(page.requests.filter((request) => !request.startsWith(`${url}/`)), []);
}

/** An expression: what the time line says. */
const EVENTS = "document.querySelector('#events').innerText";

Deno.test({
  ...needs(
    BROWSER,
    "the board follows a real run: agencies fill and close, a server dies, the draw",
  ),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 2, bets: 3000 });
    const rows = await readBets(bets);
    await using group = await ServerGroup.start({
      servers: 2,
      agencies: 2,
      hasStatus: true,
      sharedPort: false,
    });
    await using draws = tempFolder();
    await using board = await startBoard({
      servers: listOf(group),
      draws: draws.path,
      env: { BOARD_BETS_EXPECTED: rows.map(({ length }) => length).join() },
    });
    await using browser = await Browser.start();
    const page = await browser.open(board.url, SIZE);
    await page.until("document.querySelectorAll('#servers [data-mark=up] .name').length === 2");
    assertEquals(await page.text("#phase"), "Bets are open: 0 stored, no agency closed");

    const { address } = group.servers[0];
    await using first = startClient({ agency: 1, address, data: bets.path });
    await page.until("document.querySelectorAll('.tile[data-state=awaited]').length === 1");
    assertEquals(await page.text("#phase"), "The draw waits for agency 2");
    assertMatch(await page.text(".tile[data-state=closed] .unseen"), /^Agency 1: [\d,]+ bets, 0 a/);
    assertMatch(await page.evaluate(EVENTS), /Agency 1 closed/);

    await group.servers[1].process.kill();
    await page.until("document.querySelector('#servers tr:nth-child(2)').dataset.mark === 'dead'");
    assertEquals(await page.text("#servers tr:nth-child(2) .state"), "no answer");
    assertEquals(await page.text("#up"), "1 of 2 up");
    assertMatch(await page.evaluate(EVENTS), /server2 does not answer/);

    const before = page.requests.length;
    await using second = startClient({ agency: 2, address, data: bets.path });
    await page.until("document.querySelector('#draw').open");
    // The number must not be seen anywhere before it has rolled.
    assertMatch(await page.text("#phase"), /^All 2 agencies have closed: this is the draw$/);
    assertEquals(await page.text("#number"), "not drawn yet");
    await page.press("Escape");
    await page.until("!document.querySelector('#draw').open");
    assertEquals(await page.text("#number"), "7574");
    assertEquals([await first.ended(), await second.ended()], [0, 0]);
    assertEquals(page.requests.length, before, "the page asks for nothing while it follows a run");

    const winners = winnersOf(rows);
    const id = await page.evaluate<string>(
      "document.querySelector('#lottery').innerText.split(' ')[1]",
    );
    const agencies = rows.map(({ length: bets }, index) => ({ bets, documents: winners[index] }));
    await writeDrawRecord(draws.path, { id, winningNumber: 7574, agencies });
    await page.until("document.querySelectorAll('.turned').length === 2");
    const count = winners.flat().length;
    assertMatch(
      await page.text("#phase"),
      new RegExp(`^Drawn: 7574, (${count || "no"}) winners?$`),
    );
    // A second visitor sees the same, without the ceremony.
    const other = await browser.open(board.url, SIZE);
    await other.until("document.querySelectorAll('.turned').length === 2");
    await other.until("document.querySelector('#total').innerText === '3,000'");
    assertEquals(await other.evaluate("document.querySelector('#draw').open"), false);
    for (const selector of ["#phase", "#total", "#events", "#tiles"]) {
      assertEquals(await other.text(selector), await page.text(selector), selector);
    }
    await other.evaluate("document.querySelector('#certificate').click()");
    await other.until("document.title === 'Certificate of a draw'");
    assertMatch(await other.text("main"), /7574/);
    for (const opened of [page, other]) assertClean(opened, board.url);
  },
});

Deno.test({
  ...needs(BROWSER, "the board says since when its stream is broken, and comes back by itself"),
  fn: async () => {
    await using group = await ServerGroup.start({ servers: 1, agencies: 1, hasStatus: true });
    await using browser = await Browser.start();
    const first = await startBoard({ servers: listOf(group) });
    const page = await browser.open(first.url, SIZE);
    await page.until("document.querySelector('#connection').innerText === 'Live'");
    await first.program.kill();
    await page.until("document.body.classList.contains('lost')");
    const text = await page.text("#connection");
    assertMatch(text, /^No connection to the board since \d\d:\d\d:\d\d\. Trying again…$/);
    await using second = await startBoard({ servers: listOf(group), port: first.port });
    await page.until("document.querySelector('#connection').innerText === 'Live'");
    // What the new board has seen replaces what the old one had.
    const events = await page.evaluate<string[]>(
      "Array.from(document.querySelectorAll('#events li'), (item) => item.dataset.kind)",
    );
    assertEquals(events, ["up", "found"]);
    assert(second.program.isRunning);
  },
});

const PROCESSES = ["run", "write", "env", "net"] as const;
const CONTAINERS_MS = 300_000;

/** Reads what a board tells its page until `isDone`. */
async function follow(url: string, isDone: (state: BoardState) => boolean): Promise<BoardState> {
  const { body } = await fetch(`${url}/events`);
  for await (const line of linesOf(body!)) {
    if (!line.startsWith("data: ")) continue;
    const state: BoardState = JSON.parse(line.slice("data: ".length));
    if (isDone(state)) return state;
  }
  throw new Error("the stream ended before that");
}

/** Returns how the servers are, by their names. */
function marksOf({ servers }: BoardState): string[] {
  return servers.map(({ name, mark }) => `${name} ${mark}`);
}

Deno.test({
  ...needs(PROCESSES, "deno task up starts the board on the next free port, and ends without it"),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 2, bets: 4000 });
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: bets.path });
    copy.env.CLI_BATCH_SIZE = "2";
    using _taken = Deno.listen({ hostname: "127.0.0.1", port: copy.boardPort });
    await using up = copy.task("up", "--local");
    const [, url] = await up.line(/^The board shows the lottery at (http:\/\/localhost:\d+)$/);
    // Another program may have the port after it as well.
    assert(Number(new URL(url).port) > copy.boardPort, url);
    const { betsExpected, ...state } = await follow(
      url,
      ({ servers }) => servers.length === 2 && servers.every(({ mark }) => mark === "up"),
    );
    assertEquals(marksOf({ betsExpected, ...state }), ["server1 up", "server2 up"]);
    assertEquals(betsExpected, 4000);
    // Without a terminal nobody waits for Ctrl-C.
    assertEquals(await up.ended(), 0, up.output());
    assertMatch(up.lines.at(-1)!, /every agency knows its winners$/);
    await assertStored(copy.volume, await readBets(bets));

    await using without = copy.task("up", "--local", "--no-board");
    assertEquals(await without.ended(), 0, without.output());
    assertEquals(without.count(/^board +\||The board/), 0);
  },
});

Deno.test({
  ...needs(PROCESSES, "deno task up goes on when the board fails"),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 1, bets: 2000 });
    await using copy = await ProjectCopy.make({ clients: 1, servers: 1, dataset: bets.path });
    await copy.edit("board/main.ts", [/await main\(\)/, "1"]);
    await using up = copy.task("up", "--local");
    await up.line(/^The board has ended with exit code 1$/);
    assertEquals(await up.ended(), 0, up.output());
    await assertStored(copy.volume, await readBets(bets));
  },
});

Deno.test({
  ...needs(
    [...PROCESSES, "docker"],
    "the board in a container finds the servers by their name, and misses a dead one",
  ),
  fn: async () => {
    await using bets = await sampleBets({ agencies: 2, bets: 20_000 });
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: bets.path });
    copy.env.CLI_BATCH_SIZE = "2";
    await using up = copy.task("up");
    const [, url] = await up.line(/^The board shows the lottery at (\S+)$/, CONTAINERS_MS);
    assertEquals(url, `http://localhost:${copy.boardPort}`);
    await follow(url, (state) => marksOf(state).sort().join() === "server1 up,server2 up");
    await up.line(/client1 .* action: config/, CONTAINERS_MS);
    const docker = async (command: string) => {
      const args = [command, `${copy.composeProject}-server2-1`];
      assertEquals((await new Deno.Command("docker", { args }).output()).code, 0);
    };
    await docker("kill");
    await follow(url, (state) => marksOf(state).includes("server2 dead"));
    await docker("start");
    await follow(url, (state) => marksOf(state).sort().join() === "server1 up,server2 up");
    assertEquals(await up.ended(CONTAINERS_MS), 0, up.output());
    await assertStored(copy.volume, await readBets(bets));
  },
});
