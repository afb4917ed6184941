/**
 * Receives the states of the board, notices when they stop, and connects again.
 *
 * @module
 */

/** @typedef {import("../state.ts").BoardState} BoardState */

/** The board sends a state twice a second. After this time without one the stream is broken. */
const SILENCE_MS = 3000;
const CHECK_MS = 500;

/**
 * @param {object} handlers
 * @param {(state: BoardState) => void} handlers.onState
 * @param {(sinceMs: number) => void} handlers.onLost Called again and again while there is no stream.
 */
export function startStream({ onState, onLost }) {
  /** @type {EventSource | undefined} */
  let source;
  let lastMs = Date.now();
  let openedMs = 0;
  let isLost = false;
  const open = () => {
    source?.close();
    openedMs = Date.now();
    source = new EventSource("/events");
    source.onmessage = ({ data }) => {
      lastMs = Date.now();
      isLost = false;
      onState(JSON.parse(data));
    };
    source.onerror = () => {
      isLost = true;
      onLost(lastMs);
    };
  };
  open();
  setInterval(() => {
    const now = Date.now();
    if (!isLost && now - lastMs < SILENCE_MS) return;
    isLost = true;
    onLost(lastMs);
    // The browser gives up for good after some errors, and never notices a silent connection.
    if (now - openedMs > SILENCE_MS) open();
  }, CHECK_MS);
}
