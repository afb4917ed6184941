/**
 * `deno task screenshots`: takes the pictures of the board that stand in the documents, in Chromium and with a
 * lottery that is made up. With `--all`, every phase in every shape, for a person to look at.
 *
 * @module
 */

import { startBoard } from "../testing/boards.ts";
import { Browser, CHROMIUM, type Page } from "../testing/browser.ts";
import { FakeLotteryRun } from "../testing/fake_lottery_run.ts";
import { findMissing } from "../testing/needs.ts";
import { runCommand } from "../tools/command.ts";
import { PROJECT_ROOT, TaskError } from "../tools/project.ts";
import { reduceToPalette } from "./palette_png.ts";

const USAGE = `Takes the pictures of the board for the documents, into docs/images. Needs Chromium.

Usage: ./denow task screenshots [--all [--only SCALE]]

  --all    take every phase at every size, light and dark, in both languages, into .cache/screenshots
  --only   of one lottery alone: usual, large, small or middle
  --help   show this text`;

/** A lottery to take pictures of. */
interface Scale {
  name: string;
  agencies: number;
  servers: number;
}

/** How a picture is taken. */
interface Shape {
  width: number;
  height: number;
  scheme: "light" | "dark";
  language: "en" | "es";
}

/** The moments of a lottery, in their order. */
type Moment = "starting" | "open" | "awaited" | "drawn" | "drawing" | "lost";

/** Takes the pictures of a moment. */
type Shoot = (page: Page, moment: Moment) => Promise<void>;

const USUAL: Scale = { name: "usual", agencies: 5, servers: 8 };
const LARGE: Scale = { name: "large", agencies: 100, servers: 20 };
const SCALES: Scale[] = [
  USUAL,
  LARGE,
  { name: "small", agencies: 1, servers: 1 },
  { name: "middle", agencies: 30, servers: 3 },
];
const [PHONE, SCREEN, WALL] = [[360, 640], [1280, 720], [1920, 1080]] as const;
/** How long a page is shown before its picture is taken: transitions end within this time. */
const SETTLE_MS = 900;
/** How often agencies bet. */
const BET_MS = 250;

/** The pictures of the documents. */
const PICTURES: { name: string; scale: Scale; moment: Moment; shape: Shape }[] = [
  picture("board-open", USUAL, "open", SCREEN),
  picture("board-draw", USUAL, "drawing", SCREEN, { scheme: "dark" }),
  picture("board-winners", USUAL, "drawn", SCREEN),
  picture("board-phone", USUAL, "awaited", PHONE, { language: "es" }),
  picture("board-large", LARGE, "awaited", WALL, { scheme: "dark" }),
];

function picture(
  name: string,
  scale: Scale,
  moment: Moment,
  [width, height]: readonly [number, number],
  { scheme = "light", language = "en" }: Partial<Shape> = {},
) {
  return { name, scale, moment, shape: { width, height, scheme, language } };
}

/** Plays a lottery, and takes pictures in each of its phases. */
async function play(browser: Browser, scale: Scale, shoot: Shoot): Promise<void> {
  await using run = new FakeLotteryRun(scale);
  const { agencies, servers } = run.status;
  const third = servers.at(2);
  const setThird = (isUp: boolean) => third !== undefined && (third.isUp = isUp);
  /** Agencies that let the others wait. */
  const late = agencies.length < 4 ? [] : [2, 3];
  for (const server of servers) server.isUp = false;
  await using board = await startBoard({
    servers: run.status.list,
    draws: run.draws,
    env: { BOARD_BETS_EXPECTED: run.betsExpected.join() },
  });
  const page = await browser.open(board.url, { width: 1280, height: 720 });
  await page.until("document.body.dataset.phase === 'starting'");
  await shoot(page, "starting");
  for (const server of servers) server.isUp = true;
  await page.until("document.body.dataset.phase === 'open'");
  await bet(run, { share: 0.6, seconds: 8, except: late });
  setThird(false);
  await bet(run, { share: 0.15, seconds: 6 });
  setThird(true);
  await bet(run, { share: 0.1, seconds: 6 });
  const betting = setInterval(() => run.advance(0.0015), BET_MS);
  await shoot(page, "open");
  clearInterval(betting);
  setThird(false);
  while (agencies.some(({ agency, closed }) => !closed && !late.includes(agency))) {
    run.advance(0.2, late);
  }
  if (late.length > 0) await page.until("document.body.dataset.phase === 'awaited'");
  await shoot(page, "awaited");
  setThird(true);
  await page.until("document.querySelectorAll('#servers [data-mark=dead]').length === 0");
  await run.record();
  run.finish();
  await page.until(`document.querySelectorAll('.turned').length === ${agencies.length}`);
  await shoot(page, "drawn");
  await shoot(page, "drawing");
  await board.program.stop();
  await page.until("document.body.classList.contains('lost')");
  await shoot(page, "lost");
}

/** Lets agencies send about `share` of their bets during some seconds. */
async function bet(
  run: FakeLotteryRun,
  { share, seconds, except }: { share: number; seconds: number; except?: number[] },
): Promise<void> {
  const steps = seconds * 1000 / BET_MS;
  for (let step = 0; step < steps; step++) {
    run.advance(share / steps, except);
    await pause(BET_MS);
  }
}

/** Takes the pictures of the documents. */
async function shootForDocuments(folder: string): Promise<void> {
  await using browser = await Browser.start();
  for (const scale of SCALES) {
    const pictures = PICTURES.filter((picture) => picture.scale === scale);
    if (pictures.length === 0) continue;
    await play(browser, scale, async (page, moment) => {
      for (const { name, shape } of pictures.filter((picture) => picture.moment === moment)) {
        const png = await reduceToPalette(await take(page, moment, shape));
        await Deno.writeFile(`${folder}/${name}.png`, png);
        console.log(`${name}.png: ${png.length} bytes`);
      }
    });
  }
}

/** Takes pictures of everything. */
async function shootAll(folder: string, only: string | undefined): Promise<void> {
  await using browser = await Browser.start();
  for (const scale of SCALES) {
    if (only !== undefined && only !== scale.name) continue;
    await play(browser, scale, async (page, moment) => {
      for (const [width, height] of [PHONE, SCREEN, WALL]) {
        for (
          const [scheme, language] of [["light", "en"], ["dark", "en"], ["light", "es"]] as const
        ) {
          const png = await take(page, moment, { width, height, scheme, language });
          const name = `${scale.name}-${moment}-${width}-${scheme}-${language}`;
          await Deno.writeFile(`${folder}/${name}.png`, png);
        }
      }
      console.log(`${scale.name}, ${moment}`);
    });
  }
}

/** Shows a page in a shape, and takes its picture. */
async function take(page: Page, moment: Moment, shape: Shape): Promise<Uint8Array> {
  const { width, height, scheme, language } = shape;
  await page.resize(width, height);
  await page.send("Emulation.setEmulatedMedia", {
    features: [{ name: "prefers-color-scheme", value: scheme }],
  });
  const other = `document.documentElement.lang !== '${language}'`;
  await page.evaluate(`if (${other}) document.querySelector('#language').click()`);
  if (moment === "drawing") {
    await page.evaluate("document.querySelector('#replay').click()");
    await page.until("document.querySelector('#verdict').textContent !== ''");
  }
  await pause(SETTLE_MS);
  const png = await page.picture();
  if (moment === "drawing") await page.press("Escape");
  return png;
}

function pause(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}

async function run({ all, only }: { all: boolean; only?: string }): Promise<number> {
  const folder = `${PROJECT_ROOT}/${all ? ".cache/screenshots" : "docs/images"}`;
  await Deno.mkdir(folder, { recursive: true });
  if (findMissing([CHROMIUM]) !== undefined) throw new TaskError("Chromium is not installed");
  if (all) await shootAll(folder, only);
  else await shootForDocuments(folder);
  return 0;
}

if (import.meta.main) {
  const options = {
    all: { type: "boolean", default: false },
    only: { type: "string" },
  } as const;
  Deno.exit(await runCommand({ usage: USAGE, options, run }));
}
