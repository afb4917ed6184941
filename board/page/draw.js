/**
 * The ceremony of the draw: the number rolls, then the tiles turn over.
 *
 * @module
 */

import { byId, isStill, make, setText } from "./dom.js";

/** @typedef {import("../state.ts").BoardState} BoardState */
/** @typedef {import("../state.ts").DrawOutcome} DrawOutcome */
/** @typedef {import("./tiles.js").Tiles} Tiles */
/** @typedef {import("./words.js").Words} Words */

/** The last reel stops after this time; then the number stays for a moment. */
const ROLL_MS = 2000;
const HOLD_MS = 1800;
/** The reels before the last one stop earlier by this time each. */
const BETWEEN_MS = 260;
/** How often a reel passes zero before it stops. */
const TURNS = 3;

const dialog = byId("draw", HTMLDialogElement);
const reels = byId("reels", HTMLElement);
const verdict = byId("verdict", HTMLElement);
const number = byId("number", HTMLElement);
const skip = byId("skip", HTMLButtonElement);

/** Shows the draw of a lottery, with the ceremony if it happens while the page is open. */
export class Draw {
  /** Whether the number is rolling: the page must not give it away. */
  isDrawing = false;
  /**
   * The outcome, once it is known.
   *
   * @type {DrawOutcome | null}
   */
  outcome = null;
  /** @type {Tiles} */
  #tiles;
  /** @type {() => void} */
  #onChange;
  /** @type {{ id: string | null, phase: string } | undefined} */
  #seen;
  /** @type {(() => void) | undefined} */
  #finish;
  /** @type {number | null} */
  #number = null;
  /** Whether the tiles show the outcome. */
  #isTurned = false;
  /** Whether the tiles are to turn one after the other. */
  #isSlow = false;

  /**
   * @param {Tiles} tiles
   * @param {() => void} onChange Called when the ceremony has begun or ended.
   */
  constructor(tiles, onChange) {
    this.#tiles = tiles;
    this.#onChange = onChange;
    skip.addEventListener("click", () => this.#finish?.());
    // Escape ends it, too.
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#finish?.();
    });
  }

  /** Winners of all agencies; nothing before they are known. */
  get winners() {
    return this.outcome?.winners ?? null;
  }

  /**
   * Takes a state, after the tiles have shown it.
   *
   * @param {BoardState} state
   * @param {Words} words
   */
  take({ lottery, outcome }, words) {
    const seen = this.#seen;
    if (seen?.id !== lottery?.id) this.#reset();
    if (outcome !== null) this.outcome = outcome;
    this.#seen = lottery === null ? undefined : { id: lottery.id, phase: lottery.phase };
    this.#number = lottery?.winningNumber ?? null;
    if (lottery?.phase === "drawn" && this.#number !== null) {
      const isNow = seen !== undefined && seen.id === lottery.id && seen.phase !== "drawn";
      if (isNow && !isStill()) this.play(words);
    }
    this.show(words);
  }

  /**
   * Shows what may be shown now.
   *
   * @param {Words} words
   */
  show(words) {
    const isKnown = this.#number !== null && !this.isDrawing;
    setText(number, isKnown ? String(this.#number) : words.notDrawn);
    number.classList.toggle("known", isKnown);
    if (!isKnown || this.outcome === null || this.#isTurned) return;
    this.#isTurned = true;
    this.#tiles.turn(this.outcome.id, this.outcome.agencies, words, { isSlow: this.#isSlow });
  }

  /**
   * Says everything in another language.
   *
   * @param {Words} words
   */
  translate(words) {
    this.#isSlow = false;
    this.#isTurned = false;
    this.show(words);
  }

  /**
   * Plays the ceremony.
   *
   * @param {Words} words
   */
  play(words) {
    if (this.#number === null || this.isDrawing) return;
    this.isDrawing = true;
    this.#isSlow = true;
    this.#isTurned = false;
    this.#tiles.turnBack();
    setText(verdict, "");
    setText(skip, words.skip);
    const digits = Array.from(String(this.#number), Number);
    const strips = digits.map(stripOf);
    reels.replaceChildren(...strips.map((strip) => make("span", "reel", strip)));
    dialog.showModal();
    const animations = strips.map((strip, index) =>
      strip.animate(
        [{ transform: "translateY(0)" }, { transform: `translateY(${endOf(strip)}%)` }],
        {
          duration: isStill() ? 0 : ROLL_MS - BETWEEN_MS * (strips.length - 1 - index),
          easing: "cubic-bezier(0.2, 0.7, 0.15, 1)",
          fill: "forwards",
        },
      )
    );
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    this.#finish = () => {
      clearTimeout(timer);
      for (const animation of animations) animation.cancel();
      this.#finish = undefined;
      this.isDrawing = false;
      dialog.close();
      this.#onChange();
    };
    Promise.all(animations.map(({ finished }) => finished)).then(() => {
      dialog.classList.add("rolled");
      const { winners } = this;
      verdict.replaceChildren(make("span", "unseen", `${this.#number} `));
      if (winners !== null) verdict.append(words.winners(winners));
      setText(skip, words.toWinners);
      timer = setTimeout(() => this.#finish?.(), HOLD_MS);
    }, () => {}); // It was skipped.
    dialog.classList.remove("rolled");
    this.#onChange();
  }

  #reset() {
    this.#finish?.();
    this.outcome = null;
    this.#isTurned = false;
    this.#isSlow = false;
    this.#tiles.turnBack();
  }
}

/**
 * Makes the strip of a reel, which ends with a digit.
 *
 * @param {number} digit
 */
function stripOf(digit) {
  const length = 10 * TURNS + digit + 1;
  const digits = Array.from({ length }, (_, index) => make("span", "", String(index % 10)));
  return make("span", "strip", ...digits);
}

/**
 * How far a strip has to move up to show its last digit, in percent of its height.
 *
 * @param {HTMLElement} strip
 */
function endOf({ children }) {
  return -100 * (children.length - 1) / children.length;
}
