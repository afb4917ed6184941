/**
 * What a soak prints.
 *
 * @module
 */

import { BOUNDS, type Change, type Judged, quantileOf, type Sample } from "./growth.ts";
import type { SoakResult } from "./soak.ts";

/** How figures are written. */
const UNITS: Record<Judged, { name: string; format: (figure: number) => string }> = {
  memoryBytes: { name: "memory", format: formatMebibytes },
  handles: { name: "file handles", format: String },
  threads: { name: "threads", format: String },
  logBytes: { name: "log files on the volume", format: formatMebibytes },
};

/** Formats the samples of all servers at one moment, as a line. */
export function formatSamples(samples: readonly Sample[]): string {
  const servers = samples.map(({ memoryBytes, handles, threads, delayMs }) =>
    `${formatMebibytes(memoryBytes)}, ${handles} handles, ${threads} threads, ${
      delayMs.toFixed(1)
    } ms`
  );
  const [{ seconds, logBytes }] = samples;
  return `${seconds.toFixed(0).padStart(5)} s | ${servers.join(" | ")} | logs ${
    formatMebibytes(logBytes)
  }`;
}

/** Formats how each figure of each server has changed, as a table of Markdown. */
export function formatChanges({ samples, changes }: SoakResult): string {
  const rows = changes.flatMap((ofServer, index) => [
    ...Object.entries(ofServer).map(([name, change]) => row(index, name as Judged, change)),
    delayRow(index, samples[index]),
  ]);
  return [
    "| server | what | low of the first quarter | of the last | most | growth |",
    "| -----: | :--- | -----------------------: | ----------: | ---: | :----- |",
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
  ].join("\n");

  function row(index: number, figure: Judged, { before, after, isGrowth }: Change): string[] {
    const { name, format } = UNITS[figure];
    const most = Math.max(...samples[index].map((sample) => sample[figure]));
    const verdict = isGrowth ? `yes: over ${format(BOUNDS[figure])} more` : "no";
    return [String(index + 1), name, format(before), format(after), format(most), verdict];
  }
}

/** Formats how long a server's event loop took. It depends on the rest of the machine, so it is not judged. */
function delayRow(index: number, samples: readonly Sample[]): string[] {
  const delays = samples.map(({ delayMs }) => delayMs);
  const quarter = Math.ceil(delays.length / 4);
  const figures = [
    quantileOf(delays.slice(0, quarter), 0.5),
    quantileOf(delays.slice(-quarter), 0.5),
    Math.max(...delays),
  ];
  const name = "delay of the event loop, median";
  return [String(index + 1), name, ...figures.map((ms) => `${ms.toFixed(1)} ms`), ""];
}

function formatMebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
