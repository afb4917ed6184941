/**
 * The time line: what has happened, in words, the latest last.
 *
 * @module
 */

import { byId, make, setText } from "./dom.js";

/** @typedef {import("../state.ts").BoardEvent} BoardEvent */
/** @typedef {import("./words.js").Words} Words */

/** Most events that the page keeps; the board keeps as many. */
const EVENTS_MAX = 200;
/** The list stays at its end if it is nearly there. */
const END_PIXELS = 40;

const list = byId("events", HTMLOListElement);
const announcement = byId("announcement", HTMLElement);

list.addEventListener("scroll", () => list.classList.toggle("scrolled", list.scrollTop > 0));

/** Keeps the list of events. */
export class Events {
  /** @type {BoardEvent[]} */
  #events = [];

  /** Forgets all events. */
  clear() {
    this.#events = [];
    list.replaceChildren();
  }

  /**
   * Adds events.
   *
   * @param {BoardEvent[]} events
   * @param {Words} words
   * @param {{ isSpoken: boolean }} options Whether screen readers say them.
   */
  add(events, words, { isSpoken }) {
    if (events.length === 0) return;
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < END_PIXELS;
    this.#events = [...this.#events, ...events].slice(-EVENTS_MAX);
    list.append(...events.map((event) => itemOf(event, words)));
    while (list.children.length > EVENTS_MAX) list.firstElementChild?.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
    if (isSpoken) setText(announcement, events.map((event) => words.event(event)).join(". "));
  }

  /**
   * Says everything in another language.
   *
   * @param {Words} words
   */
  translate(words) {
    const events = this.#events;
    this.clear();
    this.add(events, words, { isSpoken: false });
  }
}

/** The shapes of events. They are drawn by the style sheet. */
const TONES = {
  found: "start",
  closed: "seal",
  drawn: "draw",
  recorded: "draw",
  up: "up",
  back: "up",
  ready: "up",
  dead: "dead",
  unready: "busy",
  stopped: "stopped",
};

/** @param {BoardEvent} event @param {Words} words */
function itemOf(event, words) {
  const time = make("time", "", words.time(event.at));
  time.dateTime = event.at;
  const mark = make("span", "mark");
  mark.dataset.mark = TONES[event.kind];
  const item = make("li", "", time, mark, make("span", "", words.event(event)));
  item.dataset.kind = event.kind;
  return item;
}
