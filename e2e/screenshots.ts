/**
 * `deno task screenshots`: takes the pictures of the board that stand in the documents, in Chromium and with a
 * lottery that is made up. With `--all`, every phase in every shape, for a person to look at.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { startBoard, type StartedBoard } from "../testing/boards.ts";
import { Browser, type Page } from "../testing/browser.ts";
import { FakeLotteryRun } from "../testing/fake_lottery_run.ts";
import { PROJECT_ROOT } from "../tools/project.ts";

const USAGE = `Takes the pictures of the board for the documents, into docs/images. Needs Chromium.

Usage: ./denow task screenshots [--all]

  --all    take every phase at every size, light and dark, in both languages, into .cache/screenshots
  --help   show this text`;

/** A lottery to take pictures of. */
interface Scale {
  name: string;
  agencies: number;
  servers: number;
}

const SCALES: Scale[] = [
  { name: "usual", agencies: 5, servers: 8 },
  { name: "large", agencies: 100, servers: 20 },
  { name: "small", agencies: 1, servers: 1 },
  { name: "middle", agencies: 30, servers: 3 },
];
const SIZES = [[360, 640], [1280, 720], [1920, 1080]] as const;
const SCHEMES = ["light", "dark"] as const;
/** How long a state is shown before its picture is taken: transitions end within this time. */
const SETTLE_MS = 900;

/** Takes the pictures of a moment. */
type Shoot = (page: Page, moment: string) => Promise<void>;

/** Plays a lottery, and takes pictures in each of its phases. */
async function play(browser: Browser, scale: Scale, shoot: Shoot): Promise<void> {
  await using run = new FakeLotteryRun(scale);
  for (const server of run.status.servers) server.isUp = false;
  await using board: StartedBoard = await startBoard({
    servers: run.status.list,
    draws: run.draws,
    env: { BOARD_BETS_EXPECTED: run.betsExpected.join() },
  });
  const page = await browser.open(board.url, { width: 1280, height: 720 });
  await page.until("document.body.dataset.phase === 'silent'");
  await shoot(page, "1-silent");
  for (const server of run.status.servers) server.isUp = true;
  for (let step = 0; step < 24; step++) {
    run.advance(0.024, [2, 3]);
    await pause(500);
  }
  await shoot(page, "2-open");
  const dead = run.status.servers.at(2);
  if (dead !== undefined) dead.isUp = false;
  for (let step = 0; step < 20; step++) {
    run.advance(0.1, [2, 3]);
    await pause(200);
  }
  if (scale.agencies > 3) {
    run.advance(0.4);
    await page.until("document.body.dataset.phase === 'awaited'");
  }
  await shoot(page, "3-awaited");
  if (dead !== undefined) dead.isUp = true;
  await pause(1000);
  await run.record();
  run.finish();
  await page.until("document.querySelector('#draw.rolled')");
  await page.until("!document.querySelector('#draw').open");
  await page.until("document.querySelectorAll('.turned').length === " + scale.agencies);
  await shoot(page, "4-drawn");
  await shoot(page, "5-drawing");
  await board.program.stop();
  await page.until("document.body.classList.contains('lost')");
  await shoot(page, "6-lost");
  if (page.errors.length > 1) console.error(page.errors.join("\n"));
}

async function shootAll(folder: string, only: string | undefined): Promise<void> {
  await using browser = await Browser.start();
  for (const scale of SCALES) {
    if (only !== undefined && only !== scale.name) continue;
    await play(browser, scale, async (page, moment) => {
      for (const [width, height] of SIZES) {
        for (const scheme of SCHEMES) {
          await show(page, { width, height, scheme });
          await save(page, `${folder}/${scale.name}-${moment}-${width}-${scheme}.png`);
        }
      }
      await page.evaluate("document.querySelector('#language').click()");
      for (const [width, height] of SIZES) {
        await show(page, { width, height, scheme: "light" });
        await save(page, `${folder}/${scale.name}-${moment}-${width}-es.png`);
      }
      await page.evaluate("document.querySelector('#language').click()");
      await show(page, { width: 1280, height: 720, scheme: "light" });
    });
  }
}

async function show(
  page: Page,
  { width, height, scheme }: { width: number; height: number; scheme: string },
): Promise<void> {
  await page.resize(width, height);
  await page.send("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: scheme }],
  });
  await pause(SETTLE_MS);
}

async function save(page: Page, path: string): Promise<void> {
  if (path.includes("drawing")) {
    await page.evaluate("document.querySelector('#replay').click()");
    await page.until("document.querySelector('#verdict').textContent !== ''");
    await pause(SETTLE_MS);
  }
  await Deno.writeFile(path, await page.picture());
  if (path.includes("drawing")) await page.press("Escape");
  console.log(path);
}

function pause(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { all: { type: "boolean" }, help: { type: "boolean" }, only: { type: "string" } },
  });
  if (values.help) {
    console.log(USAGE);
    Deno.exit(0);
  }
  const folder = `${PROJECT_ROOT}/.cache/screenshots`;
  await Deno.mkdir(folder, { recursive: true });
  await shootAll(folder, values.only);
}
