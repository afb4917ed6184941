/**
 * Processes to measure: servers of ours, the floor, and the load.
 *
 * @module
 */

import type { LoadOptions, LoadResult } from "./load.ts";

const ROOT = new URL("../", import.meta.url);
const CLOCK_TICKS_PER_SECOND = 100;

/** A server process that is ready. */
export interface RunningServer extends AsyncDisposable {
  port: number;
  /** From the start of the process until it was ready, in milliseconds. */
  startMs: number;
  /** Processor time so far, in seconds; nothing where there is no /proc. */
  cpuSeconds(): number | undefined;
  /** Most memory so far, in bytes; nothing where there is no /proc. */
  peakBytes(): number | undefined;
}

/** Starts one of our servers on a folder. */
export function startServer(
  folder: string,
  environment: Record<string, string> = {},
): Promise<RunningServer> {
  return start("server/main.ts", [], {
    SERVER_PORT: "0",
    SERVER_LISTEN_IP: "127.0.0.1",
    SERVER_LISTEN_BACKLOG: "512",
    UDP_BROADCAST_IP: "127.255.255.255",
    UDP_BROADCAST_PORT: "0",
    AGENCIES_AMOUNT: "100",
    LOGGING_LEVEL: "INFO",
    SHARED_VOLUME: folder,
    ...environment,
  }, /action: listen .* port: (\d+)/);
}

/** Starts the floor on a folder. */
export function startFloor(folder: string): Promise<RunningServer> {
  return start("bench/floor_server.ts", [folder], {}, /^port (\d+)/m);
}

/** Sends a load from a process of its own. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "bench/load.ts", JSON.stringify(options)],
    cwd: ROOT,
    stderr: "inherit",
  });
  const { code, stdout } = await command.output();
  if (code !== 0) throw new Error(`Cannot measure: the load ended with exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function start(
  script: string,
  args: string[],
  env: Record<string, string>,
  ready: RegExp,
): Promise<RunningServer> {
  const begin = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", script, ...args],
    cwd: ROOT,
    env,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let output = "";
  let match: RegExpExecArray | null = null;
  while (match === null) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`Cannot measure: ${script} ended and said ${output}`);
    output += value;
    match = ready.exec(output);
  }
  const drained = drain(reader);
  return {
    port: Number(match[1]),
    startMs: performance.now() - begin,
    cpuSeconds: () => cpuSeconds(process.pid),
    peakBytes: () => peakBytes(process.pid),
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      await drained;
      await process.status;
    },
  };
}

/** A server whose log nobody reads would be measured with a full pipe. */
async function drain(reader: ReadableStreamDefaultReader<string>): Promise<void> {
  while (!(await reader.read()).done);
}

function cpuSeconds(pid: number): number | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function peakBytes(pid: number): number | undefined {
  const match = /VmHWM:\s+(\d+) kB/.exec(readProc(`/proc/${pid}/status`) ?? "");
  return match === null ? undefined : 1024 * Number(match[1]);
}

function readProc(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
