/**
 * The chart of the last minute.
 *
 * @module
 */

import { byId, setText } from "./dom.js";

/** @typedef {import("../state.ts").BoardState} BoardState */
/** @typedef {import("./words.js").Words} Words */

const [WIDTH, HEIGHT, MINUTE_MS] = [600, 100, 60_000];
/** Room for the line above its highest point. */
const TOP = 4;

const chart = byId("chart", SVGSVGElement);
const [area, line] = chart.querySelectorAll("path");
const peak = byId("peak", HTMLElement);

/**
 * Draws the pace of the last minute.
 *
 * @param {BoardState} state
 * @param {Words} words
 */
export function showChart({ pace, betsPerSecond }, words) {
  const highest = Math.max(1, ...pace.map(([, rate]) => rate));
  const points = pace.map(([msAgo, rate]) => {
    const x = WIDTH * (1 - Math.min(MINUTE_MS, msAgo) / MINUTE_MS);
    const y = HEIGHT - (HEIGHT - TOP) * rate / highest;
    return { x: Number(x.toFixed(1)), y: Number(y.toFixed(1)) };
  });
  if (points.length === 0) points.push({ x: 0, y: HEIGHT });
  const path = points.map(({ x, y }) => `${x} ${y}`).join("L");
  line.setAttribute("d", `M${path}`);
  const [first, last] = [points[0].x, points[points.length - 1].x];
  area.setAttribute("d", `M${first} ${HEIGHT}L${path}L${last} ${HEIGHT}Z`);
  chart.setAttribute(
    "aria-label",
    words.chart(betsPerSecond ?? 0, pace.length === 0 ? 0 : highest),
  );
  setText(peak, pace.length === 0 ? "" : words.peak(highest));
}
