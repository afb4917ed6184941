/**
 * Checks what this host offers to the lottery: Deno, its processor, Docker, the subnet of the containers, open
 * files; and the settings of the project.
 *
 * @module
 */

import { arrivalsMax, type ServerSettings } from "../../server/settings.ts";
import { SettingsError } from "../../shared/config.ts";
import { withDeadline } from "../../shared/deadline.ts";
import { hasVectorInstructions } from "../../shared/simd/kernel.ts";
import { TASK } from "../project.ts";
import { dockerFault } from "../run/docker.ts";
import type { Subnet } from "../run/lottery_settings.ts";
import { readRunSettings } from "../run/run_settings.ts";
import {
  type DockerSubnet,
  dockerSubnets,
  overlapAdvice,
  overlapFault,
  overlaps,
  routedSubnets,
  type UsedSubnet,
} from "../run/subnets.ts";
import type { Finding } from "./finding.ts";

/** Other files that a server has open: the ledger's, its sockets, Deno's own, lingering connections. */
const OTHER_FILES = 96;
/** The oldest Deno that runs the project. */
const DENO_VERSION_MIN = [2, 7];
const DOCKER_TIMEOUT_MS = 15_000;

/** Judges the version of Deno. */
export function judgeDeno(version: string): Finding {
  const [major, minor] = version.split(".").map(Number);
  const [majorMin, minorMin] = DENO_VERSION_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) {
    return { level: "ok", text: version };
  }
  const needed = DENO_VERSION_MIN.join(".");
  return {
    level: "fault",
    text: `${version} is too old: use ./denow, or install Deno ${needed} or later`,
  };
}

/** Checks whether programs can use vector instructions. Without them, they are slower. */
export function checkProcessor(): Finding {
  if (hasVectorInstructions()) return { level: "ok", text: "vector instructions are available" };
  return {
    level: "warning",
    text: "no vector instructions: servers and clients use slower code. x86 needs SSE4.1, and V8 " +
      "must not run with --jitless (DENO_V8_FLAGS)",
  };
}

/** Returns why containers cannot be used, even if the engine hangs; undefined if they can. */
async function dockerFaultInTime(): Promise<string | undefined> {
  return await withDeadline(dockerFault(), {
    timeoutMs: DOCKER_TIMEOUT_MS,
    error: () => new Error("its engine does not answer"),
  }).catch((error: Error) => error.message);
}

/** Checks whether containers can be used. */
export async function checkDocker(): Promise<Finding> {
  const fault = await dockerFaultInTime();
  const text = fault === undefined
    ? `usable: ${TASK} up runs containers`
    : `not usable (${fault}): ${TASK} up runs processes on this host`;
  return { level: "note", text };
}

/** Compares the subnet of the containers with Docker's networks and with this machine's routes. */
export async function checkSubnet(subnet: Subnet): Promise<Finding> {
  const isUsable = await dockerFaultInTime() === undefined;
  const networks = isUsable ? await dockerSubnets() : [];
  return judgeSubnet(subnet, { networks, routes: await routedSubnets() });
}

/** Judges a subnet by the others that are in use. */
export function judgeSubnet(
  subnet: Subnet,
  { networks, routes }: { networks: readonly DockerSubnet[]; routes: readonly UsedSubnet[] },
): Finding {
  const fault = overlapFault(subnet, networks);
  if (fault !== undefined) return { level: "fault", text: fault };
  // A network of Docker has a route as well.
  const others = routes.filter(({ device }) => !networks.some((one) => one.device === device));
  const route = others.find(({ text }) => overlaps(text, subnet.text));
  if (route === undefined) {
    return { level: "ok", text: `${subnet.text} overlaps no other network` };
  }
  return {
    level: "warning",
    text:
      `${subnet.text} overlaps ${route.text} of ${route.user}: while the containers run, this ` +
      `machine does not reach the hosts there; ${overlapAdvice(subnet, [...networks, ...routes])}`,
  };
}

/** The settings that determine how many files a server opens. */
export type ConnectionSettings = Pick<
  ServerSettings,
  "connectionsMax" | "waitingMax" | "listenBacklog"
>;

/** Compares the limit of open files with the connections that a server may have. */
export async function checkOpenFiles(settings: ConnectionSettings): Promise<Finding> {
  if (Deno.build.os === "windows") return { level: "ok", text: "Windows sets no limit" };
  // Deno has raised its own soft limit as far as it may, as a server's Deno does.
  const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -n"] }).output();
  return judgeOpenFiles(new TextDecoder().decode(stdout).trim(), settings);
}

/** Judges the output of `ulimit -n`. */
export function judgeOpenFiles(limitText: string, settings: ConnectionSettings): Finding {
  const { connectionsMax, waitingMax } = settings;
  const limit = limitText === "unlimited" ? Infinity : parseInt(limitText);
  const arrivals = arrivalsMax(settings);
  const needed = connectionsMax + waitingMax + arrivals + OTHER_FILES;
  const need = `a server needs ${needed} (SERVER_MAX_CONNECTIONS ${connectionsMax} + ` +
    `SERVER_MAX_WAITING ${waitingMax} + ${arrivals} that wait for a place + ${OTHER_FILES})`;
  if (Number.isNaN(limit)) return { level: "warning", text: `the limit is unknown; ${need}` };
  const text = `${limitText} per process; ${need}`;
  if (limit >= needed) return { level: "ok", text };
  return {
    level: limit < connectionsMax + OTHER_FILES ? "fault" : "warning",
    text: `${text}: raise the limit with "ulimit -n ${needed}", or lower these settings`,
  };
}

/** Checks whether the project's settings are valid and agree with each other. */
export function checkSettings(root: string): Finding {
  try {
    Deno.statSync(`${root}/.env`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { level: "ok", text: `.env does not exist yet: ${TASK} up makes it from .env.example` };
  }
  try {
    readRunSettings({ root });
    return { level: "ok", text: ".env, server/config.ini and client/config.yaml agree" };
  } catch (error) {
    return judgeSettingsError(error);
  }
}

/**
 * Judges what reading the settings has thrown.
 *
 * @throws The error itself, if it is not a SettingsError.
 */
export function judgeSettingsError(error: unknown): Finding {
  if (!(error instanceof SettingsError)) throw error;
  return { level: "fault", text: `fix these settings: ${error.faults.join("; ")}` };
}
