/**
 * Breaks the files of a server's ledger. Deno runs this module before server/main.ts (`deno run
 * --preload`), so the server under test is the real program and needs no switches for tests.
 * LOTTERY_FAULTS says what to break, separated by commas.
 *
 * A protection to switch off, for the controls; see {@linkcode PROTECTIONS} for the names:
 *
 * - `no-sync`: nothing is flushed to stable storage
 * - `no-log-sync`: redo logs are not flushed
 * - `no-log-lock`: a server that starts takes all others for dead
 * - `no-log-watch`: a server does not notice that its redo log is gone
 * - `no-checkpoint-order`: bets.csv is not flushed before a checkpoint is recorded
 * - `no-repair`: bets.csv is never truncated
 * - `no-journal`: every server has a bets.csv.round of its own, so none knows another one's rounds
 * - `no-lock`: the lock is always free
 * - `no-sync-errors`: a failed sync looks like a successful one
 * - `no-signals`: SIGTERM ends the process at once, without its handler
 * - `no-prompt-exit`: signals are handled late
 *
 * A moment at which the process stops itself (SIGSTOP). `NAME:N` means the Nth time, counted from
 * 1:
 *
 * - `stop-before-lock`: it is about to take the lock of bets.csv
 * - `stop-mid-write`: it has written the first part of its rows to bets.csv
 * - `stop-after-write`: it has written all its rows, but not recorded them in its redo log
 * - `stop-before-record`: it is about to record a round in its redo log, and holds no lock
 * - `stop-after-record`: it has recorded a round in its redo log, but not synced that
 *
 * @module
 */

import fs from "node:fs";
import type { PROTECTIONS } from "./protections.ts";

/** How late a signal is handled: a server must not take so long to exit, even on a busy machine. */
const LATE_MS = 8000;
/** The first byte of a record in a redo log. */
const RECORD_MARK = 0x01;
/** The part of a torn write that reaches the file. */
const TORN_FRACTION = 0.6;

const wanted = (Deno.env.get("LOTTERY_FAULTS") ?? "").split(",").filter((name) => name !== "");
/** How many times each moment may still pass before the process stops at it. */
const timesLeft = new Map(
  wanted.filter((name) => name.includes(":")).map((text) => {
    const [name, count] = text.split(":");
    return [name, Number(count)];
  }),
);

const open = Deno.openSync;

function isOff(protection: (typeof PROTECTIONS)[number]): boolean {
  return wanted.includes(protection);
}

/** Stops the process if this is the time of `moment` to do so. */
function reach(moment: string): void {
  const left = timesLeft.get(moment);
  if (left === undefined) return;
  timesLeft.set(moment, left - 1);
  if (left !== 1) return;
  console.log(`action: stop | result: success | moment: ${moment}`);
  Deno.kill(Deno.pid, "SIGSTOP");
}

/** Opens a file that no other process can. */
function openOwn(path: string, options?: Deno.OpenOptions): Deno.FsFile {
  const shared = open(path, options);
  const ownPath = `${path}.${Deno.pid}`;
  const file = open(ownPath, options);
  Deno.removeSync(ownPath);
  // The server sees that the name still leads to its file.
  file.statSync = () => shared.statSync();
  return file;
}

function removeProtections(file: Deno.FsFile): void {
  if (isOff("no-sync")) removeSync(file);
  if (isOff("no-sync-errors")) hideSyncErrors(file);
  if (isOff("no-lock")) {
    file.tryLockSync = () => true;
    file.lock = () => Promise.resolve();
    file.unlockSync = () => {};
  }
}

function hideSyncErrors(file: Deno.FsFile): void {
  const syncNow = file.syncDataSync.bind(file);
  file.syncDataSync = () => {
    try {
      syncNow();
    } catch {
      // Hidden.
    }
  };
  const sync = file.syncData.bind(file);
  file.syncData = () => sync().catch(() => {});
}

/** Adds the moments at which the process may stop. */
function addMoments(bets: Deno.FsFile): void {
  const write = bets.writeSync.bind(bets);
  bets.writeSync = (bytes) => {
    if (timesLeft.get("stop-mid-write") === 1) {
      // Should the process continue, it writes the rest next, as after any short write.
      const count = write(bytes.subarray(0, Math.ceil(bytes.length * TORN_FRACTION)));
      reach("stop-mid-write");
      return count;
    }
    const count = write(bytes);
    reach("stop-mid-write");
    reach("stop-after-write");
    return count;
  };
  const tryLock = bets.tryLockSync.bind(bets);
  bets.tryLockSync = (exclusive) => {
    reach("stop-before-lock");
    return tryLock(exclusive);
  };
}

/** Adds the moments before and after a record. */
function addRecordMoments(log: Deno.FsFile): void {
  const write = log.writeSync.bind(log);
  log.writeSync = (bytes) => {
    if (bytes[0] === RECORD_MARK) reach("stop-before-record");
    const count = write(bytes);
    if (bytes[0] === RECORD_MARK) reach("stop-after-record");
    return count;
  };
}

/** Keeps a server from noticing that its redo log has gone. */
function rememberLogs(): void {
  const stat = Deno.statSync;
  const known = new Map<string, Deno.FileInfo>();
  Deno.statSync = (path) => {
    const name = String(path);
    if (!name.includes("/bets.csv.log-")) return stat(path);
    const info = known.get(name) ?? stat(path);
    known.set(name, info);
    return info;
  };
}

function removeSync(file: Deno.FsFile): void {
  file.syncDataSync = file.syncSync = () => {};
  file.syncData = file.sync = () => Promise.resolve();
}

if (isOff("no-log-watch")) rememberLogs();
if (isOff("no-prompt-exit")) {
  const listen = Deno.addSignalListener;
  Deno.addSignalListener = (signal, handler) =>
    listen(signal, () => void setTimeout(handler, LATE_MS));
}
if (isOff("no-signals")) Deno.addSignalListener = () => {};
if (wanted.length > 0) {
  // Records wait in the page cache for their sync, so that they pass the moments, and a power cut can take them.
  fs.openSync = () => {
    throw Object.assign(new Error("no file can be written past the cache"), { code: "EINVAL" });
  };
  Deno.openSync = (path, options) => {
    const isOwn = isOff("no-journal") && String(path).endsWith("/bets.csv.round");
    const file = isOwn ? openOwn(String(path), options) : open(path, options);
    removeProtections(file);
    if (String(path).endsWith("/bets.csv")) {
      addMoments(file);
      if (isOff("no-repair")) file.truncateSync = () => {};
      if (isOff("no-checkpoint-order")) removeSync(file);
    }
    if (String(path).includes("/bets.csv.log-")) {
      addRecordMoments(file);
      if (isOff("no-log-sync")) removeSync(file);
      if (isOff("no-log-lock")) file.tryLockSync = () => true;
    }
    return file;
  };
  console.log(`action: faults | result: success | faults: ${wanted.join(",")}`);
}
