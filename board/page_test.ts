/**
 * The page in a real browser, with a board of this process whose looks the tests choose.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { openLog, SERVER_LEVELS } from "../shared/logging.ts";
import { Browser, CHROMIUM, type Page, type PageOptions } from "../testing/browser.ts";
import { drawRecord } from "../testing/draw_record.ts";
import { needs } from "../testing/needs.ts";
import { Board } from "./board.ts";
import { DrawRecords } from "./draw_records.ts";
import { EventStreams } from "./event_stream.ts";
import { contentOf, type ServerPart, silent, viewOf } from "./testing.ts";
import { Website } from "./website.ts";

const BROWSER = ["run", "write", "env", "net", CHROMIUM] as const;
const SIZES = [[360, 640], [1280, 720], [1920, 1080]] as const;

/** How long, and how often, a test waits for the page to show a look. */
const WAIT_MS = 100;
const WAITS_MAX = 600;

/** A lottery that a test moves on, and its board. */
class ShownLottery implements AsyncDisposable {
  readonly view: { atMs: number; bets: number[]; servers: ServerPart[] };
  readonly #board: Board;
  readonly #streams: EventStreams;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor({ agencies, servers }: { agencies: number; servers: number }) {
    this.view = {
      atMs: Date.parse("2026-11-27T10:00:00Z"),
      bets: Array.from({ length: agencies }, () => 0),
      servers: Array.from({ length: servers }, (_, index) => ({ name: `server${index + 1}` })),
    };
    const log = openLog({ levels: SERVER_LEVELS, level: "INFO", sink: () => {} });
    const records = new DrawRecords({
      folder: "",
      documents: "masked",
      readFile: () => Promise.resolve(contentOf(this.#record())),
    });
    this.#board = new Board({ look: () => Promise.resolve(viewOf(this.view)), records, log });
    this.#streams = new EventStreams(this.#board);
    const website = new Website({ streams: this.#streams, records, language: "auto" });
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => website.answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Lets the board look, as half a second later. */
  async look(): Promise<void> {
    this.view.atMs += 500;
    await this.#board.look();
  }

  /** Waits until a page shows the number of bets of the last look. */
  async shownBy(page: Page): Promise<void> {
    const bets = this.view.bets.reduce((sum, bets) => sum + Math.abs(bets), 0);
    const isShown = `document.querySelector('#total').innerText.replaceAll(',', '') === '${bets}'`;
    for (let waits = 0; !await page.becomes(isShown, WAIT_MS); waits++) {
      assert(waits < WAITS_MAX, `the page does not show ${bets} bets: ${await page.text("body")}`);
      // A page that does not keep up gets the latest state with the next look only.
      await this.#board.look();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#streams.close();
    await this.#server.shutdown();
  }

  /** Every second agency has winners. */
  #record(): string {
    const agencies = this.view.bets.map((bets, index) => ({
      bets: Math.abs(bets),
      documents: index % 2 === 0 ? ["30904465", "21689196"] : [],
    }));
    return drawRecord({ id: "a", winningNumber: 7574, agencies });
  }
}

/** Opens the page of a lottery that has begun. */
async function open(
  browser: Browser,
  lottery: ShownLottery,
  options: Partial<PageOptions> = {},
): Promise<Page> {
  await lottery.look();
  const page = await browser.open(lottery.url, { width: 1280, height: 720, ...options });
  await lottery.shownBy(page);
  return page;
}

Deno.test({
  ...needs(BROWSER, "the page moves nothing while the numbers of 100 agencies and 20 servers grow"),
  fn: async () => {
    await using lottery = new ShownLottery({ agencies: 100, servers: 20 });
    await using browser = await Browser.start();
    for (const [width, height] of SIZES) {
      lottery.view.bets.fill(0);
      const page = await open(browser, lottery, { width, height });
      await page.evaluate(`globalThis.shifts = []; new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
          shifts.push([value, ...sources.map(({ node }) => node?.outerHTML ?? node?.textContent)]);
        }
      }).observe({ type: "layout-shift" })`);
      for (const step of [1, 10, 100, 1000, 10_000, 100_000, 1_000_000]) {
        lottery.view.bets = lottery.view.bets.map((_, index) => step + index);
        lottery.view.servers = lottery.view.servers.map((server, index) => ({
          ...server,
          connections: step % 1000 + index,
          syncSeconds: step / 10_000_000,
          uptimeSeconds: step,
        }));
        await lottery.look();
        await lottery.shownBy(page);
      }
      assertEquals(await page.evaluate("shifts"), [], `${width}x${height}`);
      const isWider = "document.documentElement.scrollWidth > innerWidth";
      assertEquals(await page.evaluate(isWider), false, `${width} is too narrow`);
      await page.evaluate("document.querySelector('#language').click()");
      assertEquals(await page.evaluate(isWider), false, `${width} is too narrow for Spanish`);
    }
  },
});

Deno.test({
  ...needs(BROWSER, "the page does not grow in memory over an hour of states and events"),
  fn: async () => {
    await using lottery = new ShownLottery({ agencies: 5, servers: 8 });
    await using browser = await Browser.start();
    const page = await open(browser, lottery, { isStill: true });
    const measure = async () => {
      await page.send("HeapProfiler.collectGarbage");
      const { usedSize } = await page.send("Runtime.getHeapUsage");
      const { nodes } = await page.send("Memory.getDOMCounters");
      return { bytes: Number(usedSize), nodes: Number(nodes) };
    };
    const states = 7200;
    const passed = [];
    for (let state = 1; state <= states; state++) {
      lottery.view.bets = lottery.view.bets.map((bets) => bets + 7);
      // A server dies and comes back again and again.
      const isDead = state % 10 === 0;
      const [first, ...others] = lottery.view.servers;
      lottery.view.servers = isDead
        ? [silent(first.name, lottery.view.atMs), ...others]
        : [{ name: first.name }, ...others];
      await lottery.look();
      if (state % 40 === 0) await lottery.shownBy(page);
      if (state % (states / 4) === 0) passed.push(await measure());
    }
    const [early, late] = [passed[0], passed.at(-1)!];
    const text = JSON.stringify(passed);
    // The engine itself takes half a megabyte more, and then no more.
    assert(late.bytes - early.bytes < 1_000_000, text);
    assert(late.nodes - early.nodes < 100, text);
    assertEquals(page.errors, []);
  },
});

/** Finds texts whose contrast is below what WCAG 2.2 asks for at level AA (success criterion 1.4.3). */
const FAINT_TEXTS = `(() => {
  const parse = (color) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([...channels]) => {
    const [r, g, b] = channels.map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundsOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      const fill = at.classList.contains("front") ? at.querySelector(".fill") : null;
      const others = fill === null ? [] : [parse(getComputedStyle(fill).backgroundColor)];
      if (color[3] > 0) return [color, ...others];
    }
    return [parse("white")];
  };
  const faint = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.textContent.trim() === "" || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(".unseen, noscript")) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    if (fontSize === "0px") continue;
    const isLarge = parseFloat(fontSize) >= (Number(fontWeight) >= 700 ? 18.66 : 24);
    for (const background of backgroundsOf(element)) {
      const [light, dark] = [luminance(parse(color)), luminance(background)].sort((a, b) => b - a);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < (isLarge ? 3 : 4.5)) faint.add(contrast.toFixed(2) + " " + node.textContent);
    }
  }
  return [...faint];
})()`;

Deno.test({
  ...needs(BROWSER, "the page has enough contrast in every phase, light and dark"),
  fn: async () => {
    await using browser = await Browser.start();
    for (const scheme of ["light", "dark"] as const) {
      await using lottery = new ShownLottery({ agencies: 4, servers: 3 });
      const page = await open(browser, lottery, { scheme, isStill: true });
      const check = async (phase: string) => {
        await page.until(`document.body.dataset.phase === '${phase}'`);
        assertEquals(await page.evaluate(FAINT_TEXTS), [], `${scheme}, ${phase}`);
      };
      lottery.view.bets = [10, 20, -30, 40];
      lottery.view.servers[0] = silent("server1", lottery.view.atMs);
      lottery.view.servers[1] = { name: "server2", ready: false, reason: "the disk is full" };
      await lottery.look();
      await lottery.shownBy(page);
      await check("open");
      lottery.view.bets = [-10, -20, -30, -40];
      await lottery.look();
      await check("drawn");
      await page.until("document.querySelectorAll('.turned').length === 4");
      await check("drawn");
    }
  },
});

Deno.test({
  ...needs(BROWSER, "the page shows a draw at once to visitors who prefer reduced motion"),
  fn: async () => {
    await using lottery = new ShownLottery({ agencies: 3, servers: 1 });
    await using browser = await Browser.start();
    const page = await open(browser, lottery, { isStill: true, language: "es" });
    assertEquals(
      await page.text("#phase"),
      "Apuestas abiertas: 0 guardadas, ninguna agencia cerrada",
    );
    lottery.view.bets = [-5, -6, -7];
    await lottery.look();
    await page.until("document.querySelectorAll('.turned').length === 3");
    assertEquals(await page.evaluate("document.querySelector('#draw').open"), false);
    assertEquals(await page.text("#phase"), "Salió el 7574: 4 ganadores");
    assertEquals(await page.text(".tile:nth-child(1) .back a"), "2 ganadores");
    assertEquals(page.errors, []);
  },
});

Deno.test({
  ...needs(BROWSER, "the page works with the keyboard, and speaks what happens to screen readers"),
  fn: async () => {
    await using lottery = new ShownLottery({ agencies: 2, servers: 1 });
    await using browser = await Browser.start();
    const page = await open(browser, lottery);
    const focused = () =>
      page.evaluate<string>("document.activeElement.id || document.activeElement.className");
    const reached: string[] = [];
    for (let key = 0; key < 4; key++) {
      await page.press("Tab");
      reached.push(await focused());
    }
    assertEquals(reached, ["skip-link", "language", "theme", "events"]);
    await page.evaluate("document.querySelector('#language').focus()");
    await page.press("Enter");
    assertEquals(await page.text("#language"), "English");
    assertEquals(await page.evaluate("document.documentElement.lang"), "es");
    await page.press("Enter");

    lottery.view.bets = [-5, 3];
    await lottery.look();
    await page.until("document.querySelector('#announcement').textContent === 'Agency 1 closed'");
    lottery.view.bets = [-5, -3];
    await lottery.look();
    await page.until("document.querySelector('#draw').open");
    assertEquals(await focused(), "skip");
    await page.press("Enter");
    await page.until("!document.querySelector('#draw').open");
    await page.until("document.querySelectorAll('.turned').length === 2");
    const isHidden = "getComputedStyle(document.querySelector('li:last-child .front')).visibility";
    await page.until(`${isHidden} === 'hidden'`);
    // The winners can be reached, and the fronts of the tiles are not read any more.
    const { nodes } = await page.send("Accessibility.getFullAXTree") as {
      nodes: { role?: { value: string }; name?: { value: string }; ignored: boolean }[];
    };
    const names = nodes.filter(({ ignored }) => !ignored)
      .map(({ role, name }) => `${role?.value}: ${name?.value}`);
    assert(names.includes("link: Agency 1: 2 winners"), names.join("\n"));
    assert(names.includes("heading: Drawn: 7574, 2 winners"), names.join("\n"));
    assert(!names.some((name) => /Agency 1: 5 bets/.test(name)), names.join("\n"));
  },
});
