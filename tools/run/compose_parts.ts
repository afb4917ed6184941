/**
 * What the services of the compose file have in common.
 *
 * @module
 */

import { CONTAINER_LIMITS, STATUS_PORT_DEFAULT } from "./lottery_settings.ts";

/**
 * The base images, pinned. No other file names them: the Dockerfiles get them as arguments. A test
 * holds the version of Deno to that of ./denow.
 */
export const BASE_IMAGES = {
  DENO_IMAGE: "denoland/deno:2.9.6",
  DEBIAN_IMAGE: "debian:12.12-slim",
  // The variant with a shell, whose wget asks for the health.
  NATS_IMAGE: "nats:2.14.5-alpine",
  PROMETHEUS_IMAGE: "prom/prometheus:v3.5.0",
};

/** The address of the servers' network. Docker replaces the variables. */
export const SUBNET = "${DOCKET_SUBNET:-${DOCKER_SUBNET:-172.25.125.0/24}}";
/** The name of all servers, and their ports. */
export const SERVER_NAME = "${SERVER_NAME:-server}";
export const SERVER_PORT = "${SERVER_PORT:-12345}";
export const STATUS_PORT = `\${STATUS_PORT:-${STATUS_PORT_DEFAULT}}`;
/** Every address of a container. */
export const ANY_IP = "0.0.0.0";

/** The folder of the files of the ledger in a server's container. */
export const CONTAINER_VOLUME = "/shared-volume";

/** The limits of a container. */
export type Limits = { mem_limit: string; pids_limit: string | number; cpus: string | number };

/** Returns the limits that .env sets. */
export function limitsOf(kind: "SERVER" | "CLIENT" | "NODE"): Limits {
  return {
    mem_limit: withDefault(`${kind}_MEMORY`),
    pids_limit: withDefault(`${kind}_PIDS`),
    cpus: withDefault(`${kind}_CPUS`),
  };
}

/** Keeps a container from writing outside its mounts, gaining rights, and running as root. */
export function confinement(limits: Limits) {
  return {
    user: "${LOTTERY_UID:-1000}:${LOTTERY_GID:-1000}",
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    ...limits,
    init: true,
    stop_grace_period: "5s",
    // A peer that sends garbage must not fill the disk of the bets with log lines about it.
    logging: { driver: "json-file", options: { "max-size": "20m", "max-file": "5" } },
  };
}

/** Returns a variable that Docker replaces by its value in .env, else by its default. */
function withDefault(name: keyof typeof CONTAINER_LIMITS): string {
  return `\${${name}:-${CONTAINER_LIMITS[name]}}`;
}

/** Docker knows the name of its project when it uses the file. */
export function image(name: string): string {
  return `\${COMPOSE_PROJECT_NAME:-lottery}-${name}`;
}

/** Returns how an image is built from one of the Dockerfiles, on base images that .env may replace. */
export function build(dockerfile: string, images: (keyof typeof BASE_IMAGES)[]) {
  const args = images.map((name) => [name, `\${${name}:-${BASE_IMAGES[name]}}`]);
  return { context: ".", dockerfile, args: Object.fromEntries(args) };
}

/** Mounts a file or folder of this machine, to be read. */
export function mount(source: string, target: string) {
  return { type: "bind", source, target, read_only: true, bind: { create_host_path: false } };
}

/** Returns variables without a value: Docker takes each from its environment, if it is set. */
export function passedOn(names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}
