/**
 * What `up` shows of a run: a live panel, lines for a screen reader, the lines of all services, or JSON. The log's
 * file gets every line in any case.
 *
 * @module
 */

import { emptyView, isAnswering, type LotteryView } from "../../shared/status/lottery_view.ts";
import { LotteryWatch, type StatusAddress } from "../../shared/status/lottery_watch.ts";
import { printJson } from "../json_reports.ts";
import { TASK } from "../project.ts";
import type { ServiceNames } from "./lottery_settings.ts";
import { LivePanel } from "./live_panel.ts";
import { LogExtract } from "./log_extract.ts";
import { panelLines, sentenceOf, wrap } from "./panel.ts";
import { LOG_FILE_NAME, Printer } from "./printer.ts";
import { describeExit } from "./report.ts";
import { RunProgress } from "./run_progress.ts";
import { stdoutTerminal } from "./screen.ts";
import { Silence } from "./silence.ts";

/** How a run is shown. */
export type DisplayMode = "panel" | "plain" | "lines" | "json";

/** The flags of `up` that choose. */
export interface DisplayFlags {
  verbose: boolean;
  plain: boolean;
  json: boolean;
}

/** Chooses how to show a run: the panel needs a terminal that can move its cursor, and somebody before it. */
export function chooseDisplay(
  { verbose, plain, json }: DisplayFlags,
  { isTerminal = Deno.stdout.isTerminal(), env = (name: string) => Deno.env.get(name) } = {},
): DisplayMode {
  if (json) return "json";
  if (plain) return "plain";
  const isCi = !["", "0", "false"].includes(env("CI") ?? "");
  if (verbose || !isTerminal || isCi) return "lines";
  return env("TERM") === "dumb" ? "plain" : "panel";
}

/** Options of {@linkcode RunDisplay}. */
export interface RunDisplayOptions {
  mode: DisplayMode;
  /** The names of the services. */
  names: ServiceNames;
  /** The name of the board, if there is one. */
  board?: string;
  /** How many bets each agency has. */
  betsExpected: readonly number[];
  /** Takes each line for the log's file. */
  keep: (line: string) => void;
  /** Finds where the servers report their status, if they are not processes of this machine. */
  findServers?: () => Promise<StatusAddress[]>;
}

const TICK_MS = 250;
/** Docker is asked for its containers this often. */
const FIND_MS = 2000;
/** With `--json`, a status this often. */
const JSON_MS = 1000;
/** A tick later than this, a line breaks the silence: after less than two seconds. */
const QUIET_MS = 1500;
const REPEAT_MS = 30_000;
/** A silence that is about to last two seconds does not wait for the servers' answers. */
const LOOK_MS = 1750;
const PLAIN_MS = 2000;
const SETTLE_MS = 500;
const SETTLE_POLL_MS = 50;
const FOOTER = `Log: ${TASK} logs (${LOG_FILE_NAME})   Ctrl-C stops`;

/** Shows a run. It must be closed before anything else is printed. */
export class RunDisplay implements AsyncDisposable {
  readonly mode: DisplayMode;
  readonly #options: RunDisplayOptions;
  readonly #printer: Printer;
  readonly #panel = new LivePanel();
  readonly #extract = new LogExtract();
  /** Clients that have failed, and servers and nodes that are not started again. */
  readonly #failed = new Set<string>();
  readonly #progress: RunProgress;
  readonly #clients: ReadonlySet<string>;
  readonly #silence: Silence;
  readonly #watch: LotteryWatch;
  #timer: ReturnType<typeof setInterval> | undefined;
  #addresses: readonly StatusAddress[] = [];
  #foundMs = -Infinity;
  #view: LotteryView | undefined;
  #looking: Promise<void> | undefined;
  #lookedMs = -Infinity;

  constructor(options: RunDisplayOptions) {
    const { mode, names: { servers, nodes, clients }, board, keep, betsExpected } = options;
    const others = [...nodes, ...clients];
    this.#options = options;
    this.mode = mode;
    this.#clients = new Set(clients);
    this.#progress = new RunProgress({ servers, others });
    this.#silence = mode === "plain"
      ? new Silence({ quietMs: PLAIN_MS, repeatMs: Infinity })
      : new Silence({ quietMs: QUIET_MS, repeatMs: REPEAT_MS });
    this.#watch = new LotteryWatch({ addresses: () => this.#findServers(), betsExpected });
    const print = {
      panel: (line: string) => this.#panel.say(line),
      json: (text: string) => printJson({ type: "message", text }),
      plain: (line: string) => console.log(line),
      lines: (line: string) => console.log(line),
    };
    this.#printer = new Printer({
      names: [...others, ...servers, ...board === undefined ? [] : [board]],
      keep,
      print: print[mode],
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Says something to the operator. */
  say(line: string, onScreen = line): void {
    this.#printer.say(line, onScreen);
    this.#silence.broken();
  }

  /** Says a sentence, which a terminal shows without breaking words. */
  saySentence(text: string, paint = (line: string) => line): void {
    const lines = wrap(text, this.columns ?? Infinity);
    this.say(text, lines.map(paint).join("\n"));
  }

  /** The width of a terminal. */
  get columns(): number | undefined {
    return this.mode === "panel" ? stdoutTerminal().size()?.columns : undefined;
  }

  /** Begins a step that may take seconds, such as "Building the images". */
  begin(step: string): void {
    this.#progress.begin(step);
  }

  /** The run is over: what still runs is being stopped. */
  stopping(step: string): void {
    this.#progress.begin(step);
    this.#progress.stopping();
    this.#extract.close();
    this.#show();
  }

  /** The status of servers that are processes of this machine. */
  servers(addresses: readonly StatusAddress[]): void {
    this.#addresses = addresses;
  }

  /** Takes a line of a service. */
  line(name: string, line: string): void {
    if (this.#progress.line(name, line)) {
      if (this.#progress.marks.get(name) === "restarting") this.#note(`${name} is back`);
      // A container that starts again may get another port.
      this.#foundMs = -Infinity;
    }
    this.#extract.add(name, line);
    if (this.mode !== "lines") return this.#printer.keep(name, line);
    this.#printer.line(name, line);
    this.#silence.broken();
  }

  /** Takes a line of a service that only its log needs. */
  detail(name: string, line: string): void {
    this.#printer.keep(name, line);
  }

  /** Takes the end of a service. */
  end(name: string, exitCode: number): void {
    const isStopping = this.#progress.isStopping;
    this.#progress.end(name, exitCode);
    if (exitCode === 0 || isStopping) return;
    // A server may be back before the next tick.
    if (this.mode === "panel") this.#show();
    if (this.#clients.has(name)) this.#failed.add(name);
    this.#note(describeExit({ name, exitCode }));
  }

  /** Takes that a server or node is not started again. */
  down(name: string): void {
    this.#progress.down(name);
    if (this.#progress.isStopping) return;
    this.#failed.add(name);
    this.#note(`${name} is not started again`);
  }

  /** Says the lines of the log that may explain a failure. */
  sayExtract(): void {
    for (const line of this.#extract.lines(this.#failed)) this.say(line);
  }

  /**
   * Looks at the servers a last time, before they are stopped, until they know of the draw. Their reports are a
   * fifth of a second old at most.
   */
  async settle(): Promise<void> {
    if (this.mode === "lines") return;
    const startMs = performance.now();
    await this.#looking;
    do {
      this.#view = await this.#watch.look().catch(() => this.#view);
      if (this.#view?.lottery?.phase === "drawn") break;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_POLL_MS));
    } while (performance.now() - startMs < SETTLE_MS);
    this.#report();
    this.#show();
  }

  /** Removes the panel. What is said from now on is only printed. */
  async close(): Promise<void> {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    if (this.mode === "panel") this.#panel.erase();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Says what the lines of services say too, where they are shown. */
  #note(line: string): void {
    if (this.mode !== "lines") this.say(line);
  }

  #tick(): void {
    const dueMs = this.mode === "json" ? JSON_MS : TICK_MS;
    const isWanted = this.mode !== "lines" || this.#silence.lengthMs > QUIET_MS - 2 * TICK_MS;
    const isDue = performance.now() - this.#lookedMs >= dueMs;
    if (isWanted && isDue && this.#looking === undefined && !this.#progress.isStopping) {
      this.#looking = this.#look().finally(() => this.#looking = undefined);
    }
    if (this.mode !== "json") this.#show();
  }

  async #look(): Promise<void> {
    const askedMs = this.#lookedMs = performance.now();
    const view = await this.#watch.look().catch(() => undefined);
    if (view === undefined) return;
    this.#view = view;
    this.#progress.answered(view.servers.filter(isAnswering).map(({ name }) => name), askedMs);
    this.#report();
  }

  #report(): void {
    if (this.mode !== "json" || this.#view === undefined) return;
    try {
      printJson({ type: "status", ...this.#view });
    } catch {
      // A pipe without a reader must not end the run before it has cleaned up.
    }
  }

  #show(): void {
    if (this.#timer === undefined) return;
    const step = this.#progress.isStopping || !this.#view?.lottery
      ? this.#progress.describeStep()
      : undefined;
    if (this.mode === "panel") this.#showPanel(step);
    else if (this.mode !== "json") this.#breakSilence(step);
  }

  #showPanel(step: string | undefined): void {
    const view = this.#view ?? emptyView("servers");
    const failedAgencies = new Set(
      this.#options.names.clients.flatMap((name, index) => this.#failed.has(name) ? index + 1 : []),
    );
    const { marks } = this.#progress;
    const extras = { headline: step, marks, failedAgencies, footer: FOOTER };
    this.#panel.draw((options) => panelLines(view, options, extras));
  }

  #breakSilence(step: string | undefined): void {
    // A look that takes long must not delay the line, but what it finds is news.
    if (this.#looking !== undefined && this.#silence.lengthMs < LOOK_MS) return;
    const servers = this.#progress.describeServers();
    const text = step ??
      [sentenceOf(this.#view!), ...servers === undefined ? [] : [servers]].join("; ");
    // The time that a step has taken is nothing new.
    const subject = step === undefined ? text : text.replace(/, \d+ [^:]*/, "");
    if (this.#silence.isTimeFor(subject)) this.#printer.say(text);
  }

  async #findServers(): Promise<readonly StatusAddress[]> {
    const { findServers } = this.#options;
    if (findServers === undefined) return this.#addresses;
    if (performance.now() - this.#foundMs >= FIND_MS) {
      this.#addresses = await findServers().catch(() => this.#addresses);
      this.#foundMs = performance.now();
    }
    return this.#addresses;
  }
}
