/**
 * The page of the board: takes each state that the board sends, and shows it.
 *
 * @module
 */

import { showChart } from "./chart.js";
import { byId, isStill, setText } from "./dom.js";
import { Draw } from "./draw.js";
import { Events } from "./events.js";
import { startPreferences } from "./preferences.js";
import { Servers } from "./servers.js";
import { startStream } from "./stream.js";
import { Tiles } from "./tiles.js";
import { phaseOf, wordsOf } from "./words.js";

/** @typedef {import("../state.ts").BoardState} BoardState */

/** A number that grows counts up to its next value in about the time until that comes. */
const COUNT_MS = 450;

let words = wordsOf("en");
/** @type {BoardState | undefined} */
let state;
/** A number as wide as that of the bets becomes, where nobody knows it. */
const WIDE = 888_888_888;

/** Since when there is no connection to the board. @type {number | undefined} */
let lostMs;

const events = new Events();
const servers = new Servers();
const tiles = new Tiles();
const draw = new Draw(tiles, () => {
  draw.show(words);
  if (state !== undefined) showLottery(state);
});

const headline = byId("headline", HTMLElement);
const phase = byId("phase", HTMLElement);
const total = byId("total", HTMLElement);
const connection = byId("connection", HTMLElement);
const replay = byId("replay", HTMLButtonElement);
const certificate = byId("certificate", HTMLAnchorElement);

startPreferences((chosen) => {
  words = chosen;
  servers.translate(words);
  events.translate(words);
  showConnection();
  if (state === undefined) return setText(phase, words.connecting);
  show(state);
  draw.translate(words);
});
startStream({ onState: take, onLost: lose });
replay.addEventListener("click", () => draw.play(words));

/** @param {BoardState} next */
function take(next) {
  const isSameBoard = state?.board === next.board;
  if (!isSameBoard) events.clear();
  lostMs = undefined;
  state = next;
  // The large sentence is shown last: it depends on whether the ceremony has begun.
  showTiles(next);
  draw.take(next, words);
  show(next);
  events.add(next.events, words, { isSpoken: isSameBoard && !draw.isDrawing });
  showConnection();
}

/** @param {number} sinceMs */
function lose(sinceMs) {
  lostMs ??= sinceMs;
  showConnection();
}

function showConnection() {
  const isLost = lostMs !== undefined;
  document.body.classList.toggle("lost", isLost);
  const { live, connecting, lost } = words;
  const text = lostMs !== undefined
    ? lost(words.time(lostMs))
    : state === undefined
    ? connecting
    : live;
  setText(connection, text);
}

/** @param {BoardState} state */
function show(state) {
  showLottery(state);
  servers.show(state, words);
  showChart(state, words);
  setText(byId("rate", HTMLElement), rateOf(state));
  const { betsExpected, lottery } = state;
  setText(byId("expected", HTMLElement), betsExpected === null ? "" : words.expected(betsExpected));
  setText(byId("lottery", HTMLElement), lottery?.id ? words.lotteryId(lottery.id) : "");
  countUpTo(state);
}

/** What depends on the ceremony. @param {BoardState} state */
function showLottery(state) {
  document.body.dataset.phase = phaseOf(state, draw).kind;
  showSentence(state);
  showTiles(state);
  const { outcome } = draw;
  replay.hidden = state.lottery?.phase !== "drawn" || draw.isDrawing;
  certificate.hidden = outcome === null || draw.isDrawing;
  if (outcome !== null) {
    certificate.href = `/draws/${encodeURIComponent(outcome.id)}?lang=${words.language}`;
  }
}

/** Shows the large sentence, with the number of bets that is shown below it. @param {BoardState} state */
function showSentence(state) {
  setText(phase, words.phase(phaseOf({ ...state, bets: shownTotal }, draw)));
  const { agencies: { length: agencies }, betsExpected } = state;
  // The room of the longest sentence while bets are open, so that nothing below moves when the numbers grow.
  const last = { bets: betsExpected ?? WIDE, closed: agencies, agencies };
  headline.dataset.room = words.phase({ kind: "open", ...last });
}

/** @param {BoardState} state */
function showTiles(state) {
  tiles.show(state, words, { isAwaited: phaseOf(state, draw).kind === "awaited" });
}

/** @param {BoardState} state */
function rateOf({ betsPerSecond }) {
  return betsPerSecond === null ? "–" : words.count(betsPerSecond);
}

let shownTotal = 0;
/** What is counted up to, and since when. */
let count = { from: 0, to: 0, startMs: 0 };
/** @type {number | undefined} */
let counting;

/** @param {BoardState} state */
function countUpTo(state) {
  if (counting !== undefined) cancelAnimationFrame(counting);
  const { bets, lottery } = state;
  if (bets !== count.to) count = { from: shownTotal, to: bets, startMs: performance.now() };
  const { from, startMs } = count;
  const step = () => {
    const share = Math.min(1, (performance.now() - startMs) / COUNT_MS);
    shownTotal = isStill() || bets < from ? bets : Math.round(from + (bets - from) * share);
    setText(total, lottery === null ? "–" : words.count(shownTotal));
    showSentence(state);
    counting = shownTotal === bets ? undefined : requestAnimationFrame(step);
  };
  step();
}
