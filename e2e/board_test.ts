import { assert, assertEquals, assertMatch } from "@std/assert";
import { startBoard } from "../testing/boards.ts";
import { Browser, CHROMIUM, type Page } from "../testing/browser.ts";
import { startClient } from "../testing/clients.ts";
import { writeDrawRecord } from "../testing/draw_record.ts";
import { needs } from "../testing/needs.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { readBets, sampleBets, winnersOf } from "./bets.ts";

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
