/**
 * The agencies: a tile each, which fills, gets a seal, and turns over to its winners.
 *
 * @module
 */

import { byId, isStill, make, setText } from "./dom.js";

/** @typedef {import("../state.ts").BoardState} BoardState */
/** @typedef {import("../state.ts").AgencyOutcome} AgencyOutcome */
/** @typedef {BoardState["agencies"][number]} AgencyView */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {ReturnType<typeof makeTile>} Tile */

/** How long it takes until all tiles have begun to turn, and the longest pause between two of them. */
const ALL_TURNED_MS = 4000;
const PAUSE_MS = 350;
/** With more agencies than this, tiles are smaller. */
const DENSITIES = { few: 12, some: 40 };

const list = byId("tiles", HTMLUListElement);
const closed = byId("closed", HTMLElement);

/** Shows the agencies. */
export class Tiles {
  /** @type {Tile[]} */
  #tiles = [];
  /** @type {ReturnType<typeof setTimeout>[]} */
  #timers = [];

  /**
   * @param {BoardState} state
   * @param {Words} words
   * @param {{ isAwaited: boolean }} options Whether the draw waits for the agencies that are open.
   */
  show({ agencies, waitingFor }, words, { isAwaited }) {
    if (this.#tiles.length !== agencies.length) this.#rebuild(agencies.length);
    const most = Math.max(1, ...agencies.map(({ bets }) => bets));
    for (const [index, agency] of agencies.entries()) {
      const of = agency.betsExpected ?? most;
      const share = of === 0 ? 1 : Math.min(1, agency.bets / of);
      const state = agency.state === "betting" && isAwaited ? "awaited" : agency.state;
      showFront(this.#tiles[index], agency, { state, share, words });
    }
    const all = agencies.length;
    setText(closed, all === 0 ? "" : words.closedOf(all - waitingFor.length, all));
  }

  /**
   * Turns all tiles over to their winners, one after the other.
   *
   * @param {string} draw
   * @param {AgencyOutcome[]} outcomes
   * @param {Words} words
   * @param {{ isSlow: boolean }} options
   */
  turn(draw, outcomes, words, { isSlow }) {
    this.turnBack();
    const pauseMs = isSlow && !isStill()
      ? Math.min(PAUSE_MS, ALL_TURNED_MS / Math.max(1, outcomes.length))
      : 0;
    for (const [index, outcome] of outcomes.entries()) {
      const tile = this.#tiles[outcome.agency - 1];
      if (tile === undefined) continue;
      showBack(tile, draw, outcome, words);
      const turn = () => tile.item.classList.add("turned");
      if (pauseMs === 0) turn();
      else this.#timers.push(setTimeout(turn, index * pauseMs));
    }
  }

  /** Turns all tiles back to their fronts. */
  turnBack() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    for (const { item } of this.#tiles) item.classList.remove("turned");
  }

  /** @param {number} count */
  #rebuild(count) {
    this.#tiles = Array.from({ length: count }, (_, index) => makeTile(index + 1));
    list.replaceChildren(...this.#tiles.map(({ item }) => item));
    const { few, some } = DENSITIES;
    list.style.setProperty("--columns", String(Math.ceil(Math.sqrt(1.5 * count))));
    list.dataset.density = count <= few ? "few" : count <= some ? "some" : "many";
  }
}

/** @param {number} agency */
function makeTile(agency) {
  const unseen = make("span", "unseen");
  const fill = make("span", "fill");
  const word = make("span", "word");
  const title = make("span", "word");
  const bets = make("span", "bets");
  const rate = make("span", "rate");
  const mark = make("span", "mark");
  const number = make("span", "number", String(agency));
  const seal = make("span", "seal");
  const content = make(
    "span",
    "content",
    make("span", "title", title, number),
    bets,
    make("span", "foot", rate, make("span", "state", mark, word)),
  );
  content.ariaHidden = "true";
  seal.ariaHidden = "true";
  const front = make("div", "front", unseen, fill, content, seal);
  const back = make("div", "back");
  const item = make("li", "tile", make("div", "card", front, back));
  return { item, unseen, fill, title, bets, rate, mark, word, back };
}

/**
 * @param {Tile} tile
 * @param {AgencyView} agency
 * @param {{ state: keyof Words["states"], share: number, words: Words }} look
 */
function showFront(tile, { agency, bets, betsPerSecond }, { state, share, words }) {
  const rate = betsPerSecond ?? 0;
  const word = words.states[state];
  tile.item.dataset.state = state;
  tile.fill.style.transform = `translateY(${((1 - share) * 100).toFixed(2)}%)`;
  tile.mark.dataset.mark = state;
  setText(tile.title, words.agency);
  setText(tile.bets, words.count(bets));
  setText(tile.rate, state === "betting" ? words.perSecond(rate) : "");
  setText(tile.word, word);
  setText(tile.unseen, words.tile({ agency, bets, rate, state: word }));
}

/** @param {Tile} tile @param {string} draw @param {AgencyOutcome} outcome @param {Words} words */
function showBack({ item, back }, draw, { agency, bets, winners, documents }, words) {
  const shown = documents.map((document) => make("li", "", document));
  item.classList.toggle("wins", winners > 0);
  const link = make("a", "", words.winners(winners));
  link.href = `/draws/${encodeURIComponent(draw)}?lang=${words.language}#agency-${agency}`;
  link.ariaLabel = words.outcome(agency, winners);
  const title = make("span", "title", make("span", "word", words.agency));
  title.append(make("span", "number", String(agency)));
  title.ariaHidden = "true";
  const count = make("span", "count", winners === 0 ? "–" : words.count(winners));
  count.ariaHidden = "true";
  const list = shown.length === 0 ? [] : [make("ul", "documents", ...shown)];
  back.replaceChildren(title, count, link, ...list, make("span", "among", words.among(bets)));
}
