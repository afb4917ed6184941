import { assertEquals } from "@std/assert";
import { chooseFormat, formatMetrics, type HistogramMetric, type Metric } from "./exposition.ts";

const METRICS: (Metric | HistogramMetric)[] = [
  { name: "a_build", help: "About.", type: "info", samples: [{ labels: { v: "1.2" }, value: 1 }] },
  { name: "a_ready", help: 'A "quoted"\nline, a \\.', type: "gauge", samples: [{ value: 0.5 }] },
  {
    name: "a_refused",
    help: "Refusals.",
    type: "counter",
    samples: [
      { labels: { reason: "closed" }, value: 12 },
      { labels: { reason: 'q"\\\n', agency: 3 }, value: 1e21 },
    ],
  },
  {
    name: "a_seconds",
    help: "Times.",
    type: "histogram",
    bounds: [0.001, 1],
    counts: [2, 0, 5],
    sum: 41.5,
  },
];

Deno.test("formatMetrics() writes the text format of Prometheus", () => {
  assertEquals(
    formatMetrics(METRICS, "prometheus"),
    `# HELP a_build_info About.
# TYPE a_build_info gauge
a_build_info{v="1.2"} 1
# HELP a_ready A "quoted"\\nline, a \\\\.
# TYPE a_ready gauge
a_ready 0.5
# HELP a_refused_total Refusals.
# TYPE a_refused_total counter
a_refused_total{reason="closed"} 12
a_refused_total{reason="q\\"\\\\\\n",agency="3"} 1e+21
# HELP a_seconds Times.
# TYPE a_seconds histogram
a_seconds_bucket{le="0.001"} 2
a_seconds_bucket{le="1.0"} 2
a_seconds_bucket{le="+Inf"} 7
a_seconds_sum 41.5
a_seconds_count 7
`,
  );
});

Deno.test("formatMetrics() writes OpenMetrics", () => {
  assertEquals(
    formatMetrics(METRICS, "openmetrics").split("\n").filter((line) => /^#/.test(line)),
    [
      "# HELP a_build About.",
      "# TYPE a_build info",
      '# HELP a_ready A \\"quoted\\"\\nline, a \\\\.',
      "# TYPE a_ready gauge",
      "# HELP a_refused Refusals.",
      "# TYPE a_refused counter",
      "# HELP a_seconds Times.",
      "# TYPE a_seconds histogram",
      "# EOF",
    ],
  );
});

Deno.test("chooseFormat() takes OpenMetrics from clients that accept it", () => {
  const prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
  assertEquals(chooseFormat(prometheus), "openmetrics");
  for (const accept of ["", "text/plain", "*/*", "text/html,application/xhtml+xml"]) {
    assertEquals(chooseFormat(accept), "prometheus");
  }
});
