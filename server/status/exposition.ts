/**
 * The text formats of metrics: Prometheus' own (0.0.4) and OpenMetrics (1.0.0). They differ in the names of
 * counters in the comments, in infos, and in the last line.
 *
 * @module
 */

/** The two formats. */
export type MetricsFormat = "prometheus" | "openmetrics";

/** The media types of the formats. */
export const METRICS_TYPES: Record<MetricsFormat, string> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** A metric of which every sample has a name of its own, or labels of its own. */
export interface Metric {
  /** Without the suffixes `_total` and `_info`, which follow from the type. */
  name: string;
  help: string;
  type: "counter" | "gauge" | "info";
  samples: Sample[];
}

/** A value and its labels. */
export interface Sample {
  labels?: Record<string, string | number>;
  value: number;
}

/** A histogram. */
export interface HistogramMetric {
  name: string;
  help: string;
  type: "histogram";
  /** Upper bounds, ascending, without the last one, which is infinite. */
  bounds: readonly number[];
  /** How many values each bucket has, the infinite one last. */
  counts: ArrayLike<number>;
  sum: number;
}

const SUFFIXES = { counter: "_total", info: "_info", gauge: "" };

/** Returns the format that a client prefers, by its header `Accept`. */
export function chooseFormat(accept: string): MetricsFormat {
  return /\bapplication\/openmetrics-text\b/i.test(accept) ? "openmetrics" : "prometheus";
}

/** Writes metrics as text. */
export function formatMetrics(
  metrics: readonly (Metric | HistogramMetric)[],
  format: MetricsFormat,
): string {
  const text = metrics.map((metric) => `${headOf(metric, format)}${samplesOf(metric)}`).join("");
  return format === "openmetrics" ? `${text}# EOF\n` : text;
}

function headOf(metric: Metric | HistogramMetric, format: MetricsFormat): string {
  const { help, type } = metric;
  const isOpen = format === "openmetrics";
  const suffix = type === "histogram" || isOpen ? "" : SUFFIXES[type];
  const name = `${metric.name}${suffix}`;
  const shownType = type === "info" && !isOpen ? "gauge" : type;
  const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${isOpen ? text.replaceAll('"', '\\"') : text}\n` +
    `# TYPE ${name} ${shownType}\n`;
}

function samplesOf(metric: Metric | HistogramMetric): string {
  if (metric.type === "histogram") return bucketsOf(metric);
  const name = `${metric.name}${SUFFIXES[metric.type]}`;
  return metric.samples.map(({ labels = {}, value }) => line(name, labels, value)).join("");
}

function bucketsOf({ name, bounds, counts, sum }: HistogramMetric): string {
  let [text, total] = ["", 0];
  for (let bucket = 0; bucket < counts.length; bucket++) {
    total += counts[bucket];
    const le = bucket < bounds.length ? boundText(bounds[bucket]) : "+Inf";
    text += line(`${name}_bucket`, { le }, total);
  }
  return text + line(`${name}_sum`, {}, sum) + line(`${name}_count`, {}, total);
}

function line(name: string, labels: Record<string, string | number>, value: number): string {
  const pairs = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
}

function escapeLabel(label: string | number): string {
  return String(label).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** OpenMetrics wants the bounds of buckets as floating-point numbers: `1.0`. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? bound.toFixed(1) : String(bound);
}
