/**
 * Runs before server/main.ts (`deno run --preload`) and breaks the files of the ledger as LOTTERY_FAULTS
 * says. So a server under test is the real program, and has no switch for this itself.
 *
 * Protections switched off, for the controls: a check that does not fail without the protection shows nothing.
 *
 * - `no-sync`: nothing is made to last
 * - `no-repair`: nothing is cut off a file
 * - `no-journal`: bets.csv.round is not written
 * - `no-lock`: the lock is always free
 * - `no-sync-errors`: a sync that fails is taken for one that succeeded
 * - `no-write-errors`: the same of a write to bets.csv
 * - `no-signals`: SIGTERM ends the process as it ends any
 * - `no-closed-check`: once a datagram has come, agencies_closed.txt reads as if every agency had closed, but
 *   for who stores bets
 *
 * Things that happen at one moment, `NAME:N` for the Nth time the moment comes, counted from 1:
 *
 * - `stop-before-lock`: the process stops itself (SIGSTOP) when it wants the lock of bets.csv
 * - `stop-mid-write`, `stop-after-write`: the same in the middle of writing rows, and when it has written
 *   them, before they are synced
 * - `kill-before-write`, `kill-mid-write`, `kill-after-write`, `kill-after-sync`: the process kills itself
 *   (SIGKILL) at that point of an append to bets.csv
 * - `kill-mid-journal`: the same in the middle of writing bets.csv.round
 * - `kill-mid-close`, `kill-after-close`: the same when it writes agencies_closed.txt
 *
 * @module
 */

/** Bytes of a half written agency number: none of its line end. */
const CLOSE_BYTES = 1;

const wanted = (Deno.env.get("LOTTERY_FAULTS") ?? "").split(",").filter((name) => name !== "");
const switches = new Set(wanted.filter((name) => !name.includes(":")));
const moments = new Map(
  wanted.filter((name) => name.includes(":")).map((text) => {
    const [name, count] = text.split(":");
    return [name, { left: Number(count) }];
  }),
);

/** Says that a moment has come; whatever is to happen at this one happens. */
function at(moment: string): void {
  for (const [action, signal] of [["stop", "SIGSTOP"], ["kill", "SIGKILL"]] as const) {
    const counted = moments.get(`${action}-${moment}`);
    if (counted === undefined || --counted.left !== 0) continue;
    console.log(`action: ${action} | result: success | moment: ${moment}`);
    Deno.kill(Deno.pid, signal);
  }
}

/** Whether the next of these moments is the one to die or to stop at. */
function isNow(moment: string): boolean {
  return ["kill", "stop"].some((action) => moments.get(`${action}-${moment}`)?.left === 1);
}

function withoutProtections(file: Deno.FsFile, path: string): void {
  if (switches.has("no-sync")) {
    file.syncDataSync = file.syncSync = () => {};
    file.syncData = file.sync = () => Promise.resolve();
  }
  if (switches.has("no-repair")) file.truncateSync = () => {};
  if (switches.has("no-journal") && path.endsWith("/bets.csv.round")) {
    file.writeSync = (bytes) => bytes.length;
  }
  if (switches.has("no-sync-errors")) hideSyncErrors(file);
  if (switches.has("no-lock")) {
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
      // As if nothing had happened.
    }
  };
  const sync = file.syncData.bind(file);
  file.syncData = () => sync().catch(() => {});
}

let isDatagramTrusted = false;
/** Whether this process holds the lock of bets.csv: it stores bets, or closes an agency. */
let isLocked = false;

function watchLock(file: Deno.FsFile): void {
  const [tryLock, lock, unlock] = [file.tryLockSync, file.lock, file.unlockSync];
  if (tryLock !== undefined) {
    file.tryLockSync = (exclusive) => isLocked = tryLock.call(file, exclusive);
  }
  file.lock = async (exclusive) => {
    await lock.call(file, exclusive);
    isLocked = true;
  };
  file.unlockSync = () => {
    isLocked = false;
    unlock.call(file);
  };
}

/** Hears every datagram before the server does. */
function watchDatagrams(): void {
  const listen = Deno.listenDatagram;
  Deno.listenDatagram = ((options: Parameters<typeof listen>[0]) => {
    const socket = listen(options);
    const receive = socket.receive.bind(socket);
    socket.receive = async (bytes) => {
      const [payload, from] = await receive(bytes);
      isDatagramTrusted ||= new TextDecoder().decode(payload) === "bet_ended";
      return [payload, from];
    };
    return socket;
  }) as typeof listen;
}

/** Makes the file read as if every agency had closed, once a datagram has come. */
function believeDatagrams(file: Deno.FsFile): void {
  const agencies = Number(Deno.env.get("AGENCIES_AMOUNT"));
  const lines = Array.from({ length: agencies }, (_, index) => `${index + 1}\n`);
  const all = new TextEncoder().encode(lines.join(""));
  const [seek, read] = [file.seekSync.bind(file), file.readSync.bind(file)];
  const isDeceived = () => isDatagramTrusted && !isLocked;
  let position = 0;
  // A file's size is where its end is.
  file.seekSync = (offset, whence) => {
    position = Number(offset);
    const found = seek(offset, whence);
    return isDeceived() && whence === Deno.SeekMode.End ? all.length : found;
  };
  file.readSync = (bytes) => {
    if (!isDeceived()) return read(bytes);
    const found = all.subarray(position, position + bytes.length);
    bytes.set(found);
    position += found.length;
    return found.length === 0 ? null : found.length;
  };
}

function hideWriteErrors(file: Deno.FsFile): void {
  const write = file.writeSync.bind(file);
  file.writeSync = (bytes) => {
    try {
      return write(bytes);
    } catch {
      return bytes.length;
    }
  };
}

/** Writes through `write`, half of it if this is the moment to die in the middle. */
function breakWrites(file: Deno.FsFile, name: string, half: (bytes: Uint8Array) => number): void {
  const write = file.writeSync.bind(file);
  file.writeSync = (bytes) => {
    at(`before-${name}`);
    if (isNow(`mid-${name}`)) write(bytes.subarray(0, half(bytes)));
    at(`mid-${name}`);
    const count = write(bytes);
    at(`after-${name}`);
    return count;
  };
}

/** The server tries first, and waits in a thread if that fails; Deno up to 2.6 can only wait. */
function breakLock(file: Deno.FsFile): void {
  const tryLock = file.tryLockSync as Deno.FsFile["tryLockSync"] | undefined;
  if (tryLock !== undefined) {
    file.tryLockSync = (exclusive) => {
      at("before-lock");
      return tryLock.call(file, exclusive);
    };
    return;
  }
  const lock = file.lock.bind(file);
  file.lock = (exclusive) => {
    at("before-lock");
    return lock(exclusive);
  };
}

function breakBets(file: Deno.FsFile): void {
  breakWrites(file, "write", (bytes) => Math.ceil(bytes.length * 0.6));
  breakLock(file);
  const syncNow = file.syncDataSync.bind(file);
  file.syncDataSync = () => {
    syncNow();
    at("after-sync");
  };
  const sync = file.syncData.bind(file);
  file.syncData = async () => {
    await sync();
    at("after-sync");
  };
}

if (switches.has("no-signals")) Deno.addSignalListener = () => {};
if (switches.has("no-closed-check")) watchDatagrams();
if (wanted.length > 0) {
  const open = Deno.openSync;
  Deno.openSync = (path, options) => {
    const file = open(path, options);
    const text = String(path);
    withoutProtections(file, text);
    if (text.endsWith("/bets.csv") && switches.has("no-write-errors")) hideWriteErrors(file);
    if (text.endsWith("/bets.csv")) breakBets(file);
    if (text.endsWith("/bets.csv") && switches.has("no-closed-check")) watchLock(file);
    if (text.endsWith("/bets.csv.round")) {
      breakWrites(file, "journal", (bytes) => Math.floor(bytes.length / 2));
    }
    if (text.endsWith("/agencies_closed.txt")) {
      breakWrites(file, "close", () => CLOSE_BYTES);
      if (switches.has("no-closed-check")) believeDatagrams(file);
    }
    return file;
  };
  console.log(`action: faults | result: success | faults: ${wanted.join(",")}`);
}
