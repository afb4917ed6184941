/**
 * The metrics of a server: which there are, and what they are called. docs/status.md lists them.
 *
 * @module
 */

import process from "node:process";
import type { StatusReport } from "../../shared/status/report.ts";
import type { Histogram, LedgerFigures } from "../ledger/figures.ts";
import type { DiskSpace } from "./disk_space.ts";
import type { HistogramMetric, Metric } from "./exposition.ts";

/**
 * Lotteries with more agencies than this have no metric for each of them: every server would have one for each,
 * and a monitoring system keeps them all. `/status` shows them in any case.
 */
export const AGENCY_METRICS_MAX = 250;

/**
 * Returns the metrics of a server, from its report and, once the ledger is open, its figures.
 *
 * @param disk The room of the volume, if this server writes to one.
 */
export function metricsOf(
  report: StatusReport,
  figures: LedgerFigures | undefined,
  disk?: DiskSpace,
): (Metric | HistogramMetric)[] {
  return [
    ...serverMetrics(report),
    ...disk === undefined ? [] : diskMetrics(disk),
    ...connectionMetrics(report),
    ...auditMetrics(report),
    ...lotteryMetrics(report),
    ...figures === undefined ? [] : ledgerMetrics(report, figures),
  ];
}

function serverMetrics({ server }: StatusReport): Metric[] {
  const { user, system } = process.cpuUsage();
  const started = Date.parse(server.startedAt) / 1000;
  return [
    {
      name: "lottery_build",
      help: "The version of the server.",
      type: "info",
      samples: [{ labels: { version: server.version }, value: 1 }],
    },
    gauge("lottery_ready", "Whether the server could store bets now.", Number(server.ready)),
    gauge("process_start_time_seconds", "When the server started, in seconds since 1970.", started),
    {
      name: "process_cpu_seconds",
      help: "Processor time that the server has used.",
      type: "counter",
      samples: [{ value: (user + system) / 1e6 }],
    },
    gauge(
      "process_resident_memory_bytes",
      "Memory of the server.",
      Deno.memoryUsage().rss,
    ),
  ];
}

function diskMetrics({ bytes, freeBytes }: DiskSpace): Metric[] {
  return [
    gauge("lottery_volume_bytes", "Size of the file system of the volume.", bytes),
    gauge("lottery_volume_free_bytes", "Room on the file system of the volume.", freeBytes),
  ];
}

function connectionMetrics({ connections }: StatusReport): Metric[] {
  if (connections === null) return [];
  const { placesMax, refused, delayedBatches, delayedSeconds, ...states } = connections;
  return [
    {
      name: "lottery_connections",
      help: "Connections of agencies, by what they are doing.",
      type: "gauge",
      samples: Object.entries(states).map(([state, value]) => ({ labels: { state }, value })),
    },
    gauge("lottery_places", "Connections that can be served at once.", placesMax),
    {
      name: "lottery_connections_refused",
      help: "Connections that this server has refused, by reason.",
      type: "counter",
      samples: Object.entries(refused).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    counter(
      "lottery_batches_delayed",
      "Batches that had to wait because their agency sends too many bets.",
      delayedBatches,
    ),
    counter("lottery_delay_seconds", "How long they have waited together.", delayedSeconds),
  ];
}

function auditMetrics({ audit }: StatusReport): Metric[] {
  if (audit === null) return [];
  const { lines, omitted, failure } = audit;
  const help = "Whether the audit log takes lines; if not, no agency can close on this server.";
  return [
    gauge("lottery_audit_ok", help, Number(failure === null)),
    gauge("lottery_audit_lines", "Lines of the audit log of this server.", lines),
    counter("lottery_audit_lines_omitted", "Lines that the audit log lacks.", omitted),
  ];
}

function lotteryMetrics({ lottery }: StatusReport): Metric[] {
  if (lottery === null) return [];
  const { agencies, bets, closed } = lottery;
  const totals = [
    gauge("lottery_agencies", "Agencies of the lottery.", agencies.length),
    gauge("lottery_agencies_closed", "Agencies that have closed.", closed),
    gauge("lottery_bets", "Stored bets of all servers, as last seen.", bets),
  ];
  if (agencies.length > AGENCY_METRICS_MAX) return totals;
  return [
    ...totals,
    {
      name: "lottery_agency_bets",
      help: "Stored bets of an agency, as last seen.",
      type: "gauge",
      samples: agencies.map(({ agency, bets }) => ({ labels: { agency }, value: bets })),
    },
    {
      name: "lottery_agency_closed",
      help: "Whether an agency has closed.",
      type: "gauge",
      samples: agencies.map(({ agency, closed }) => ({
        labels: { agency },
        value: Number(closed),
      })),
    },
  ];
}

function ledgerMetrics(
  { ledger }: StatusReport,
  figures: LedgerFigures,
): (Metric | HistogramMetric)[] {
  const refused = Object.entries(ledger?.refused ?? {});
  return [
    counter("lottery_rounds", "Rounds in which batches became durable.", figures.rounds),
    counter("lottery_batches_stored", "Batches that this server has stored.", figures.batches),
    counter(
      "lottery_batches_handed",
      "Batches that this server has handed to the one that writes, and that were stored there.",
      figures.handed,
    ),
    counter("lottery_bets_stored", "Bets that this server has stored.", figures.bets),
    counter("lottery_batches_unknown", "Batches with an unknown outcome.", figures.unknown),
    {
      name: "lottery_batches_refused",
      help: "Batches that this server has refused, by reason.",
      type: "counter",
      samples: refused.map(([reason, value]) => ({ labels: { reason }, value })),
    },
    histogram(
      "lottery_commit_seconds",
      "Time from the arrival of a batch to its answer.",
      figures.commitSeconds,
    ),
    histogram("lottery_sync_seconds", "Time to make a round durable.", figures.syncSeconds),
    histogram(
      "lottery_lock_wait_seconds",
      "Time of waiting for the lock that servers share.",
      figures.lockWaitSeconds,
    ),
    histogram("lottery_round_batches", "Batches of a round.", figures.roundBatches),
  ];
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: "gauge", samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Metric {
  return { name, help, type: "counter", samples: [{ value }] };
}

function histogram(name: string, help: string, { bounds, counts, sum }: Histogram) {
  return { name, help, type: "histogram", bounds, counts, sum } satisfies HistogramMetric;
}
