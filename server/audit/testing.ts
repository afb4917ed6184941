/**
 * Helpers for tests of audit logs.
 *
 * @module
 */

import { MemoryDisk, type MemoryProcess } from "../testing/memory_disk.ts";
import { AuditChain, type AuditChainOptions } from "./audit_chain.ts";
import { fileName, fileNumbers } from "./audit_files.ts";

/** The time of every line. */
export const NOON = "2026-11-27T12:00:00.000Z";

/** Opens the chain of server1. */
export function openChain(
  disk: MemoryProcess,
  options: Partial<AuditChainOptions> = {},
): AuditChain {
  return AuditChain.open(disk, {
    server: "server1",
    fileBytesMax: 1_000_000,
    filesMax: 64,
    wallClock: () => new Date(NOON),
    ...options,
  });
}

/** All lines on a disk, in the order of its files. */
export function linesOn(disk: MemoryDisk): Record<string, unknown>[] {
  return fileNumbers(disk.nodes.keys()).flatMap((number) =>
    disk.text(fileName(number)).split("\n").slice(0, -1).map((line) => JSON.parse(line))
  );
}

/** What the lines on a disk are about. */
export function whatOn(disk: MemoryDisk): unknown[] {
  return linesOn(disk).map(({ what }) => what);
}
