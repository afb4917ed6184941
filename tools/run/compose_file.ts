/**
 * The compose file: one service for each server and each client, on one network.
 *
 * @module
 */

import { stringify } from "@std/yaml";
import { CLIENT_PASSED_ON, healthPermissions, SERVER_PASSED_ON } from "./permissions.ts";

/** How many services there are; all else comes out of .env when the file is used. */
export interface ComposeOptions {
  clients: number;
  servers: number;
}

/** Name of the compose project, unless COMPOSE_PROJECT_NAME gives another. */
export const COMPOSE_PROJECT = "lottery";

/** Where the folders are in a server's container; Dockerfile.server has the same. */
export const SERVER_FOLDERS = { projectRoot: "/app", sharedVolume: "/shared-volume" };

const HEAD =
  `# Made by \`deno task compose\` out of CLIENTS and SERVERS in .env, and made anew when they change.
# Changes of your own belong into docker-compose.override.yaml, which Docker reads as well.
`;

/** Names of the services: server1 to serverN, client1 to clientN. */
export function serviceNames({ clients, servers }: ComposeOptions): {
  servers: string[];
  clients: string[];
} {
  const numbered = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${name}${index + 1}`);
  return { servers: numbered("server", servers), clients: numbered("client", clients) };
}

/** Writes the compose file. */
export function composeFile(options: ComposeOptions): string {
  const names = serviceNames(options);
  const server = serverService();
  const client = clientService(names.servers);
  const variables = passedOn(CLIENT_PASSED_ON);
  const services: Record<string, unknown> = {};
  for (const name of names.servers) services[name] = server;
  for (const [index, name] of names.clients.entries()) {
    services[name] = {
      "<<": client,
      environment: { "<<": variables, CLI_ID: String(index + 1) },
    };
  }
  const text = stringify({
    name: COMPOSE_PROJECT,
    "x-server": server,
    "x-client": client,
    "x-client-environment": variables,
    services,
    networks: {
      lottery: {
        ipam: { config: [{ subnet: "${DOCKET_SUBNET:-${DOCKER_SUBNET:-172.25.125.0/24}}" }] },
      },
    },
  }, { lineWidth: -1 });
  return HEAD + tidy(text);
}

/**
 * The library numbers the anchors of objects that occur several times; a person wants names. It also
 * quotes the key `<<`, which then would be an ordinary one, and prefers quotes that `deno fmt` does not.
 */
function tidy(text: string): string {
  const names = new Map<string, string>();
  for (const [, name, anchor] of text.matchAll(/^x-([a-z-]+): &(\w+)/gm)) names.set(anchor, name);
  return text
    .replace(
      /([:-] [&*])(ref_\d+)$/gm,
      (_, before, anchor) => before + (names.get(anchor) ?? anchor),
    )
    .replaceAll(/^( *)['"]<<['"]:/gm, "$1<<:")
    .replaceAll(/'([^'"\\\n]*)'$/gm, '"$1"');
}

/** What a container of ours may not do: write outside its mounts, gain rights, run as root. */
function confinement() {
  return {
    user: "${LOTTERY_UID:-1000}:${LOTTERY_GID:-1000}",
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    init: true,
    stop_grace_period: "5s",
    // Who sends garbage all day must not fill the disk of the bets with what is logged about it.
    logging: { driver: "json-file", options: { "max-size": "20m", "max-file": "5" } },
  };
}

function serverService() {
  return {
    image: "${COMPOSE_PROJECT_NAME:-lottery}-server",
    build: build("Dockerfile.server"),
    ...confinement(),
    environment: passedOn(SERVER_PASSED_ON),
    volumes: [
      { ...mount("./server/shared-volume", "/shared-volume"), read_only: false },
      mount("./server/config.ini", "/app/server/config.ini"),
    ],
    networks: { lottery: { aliases: ["${SERVER_NAME:-server}"] } },
    healthcheck: {
      test: [
        "CMD",
        ...["deno", "run", "--cached-only", "--no-code-cache"],
        ...healthPermissions(SERVER_FOLDERS),
        "server/health.ts",
      ],
      interval: "3s",
      timeout: "5s",
      retries: 10,
    },
  };
}

function clientService(servers: string[]) {
  return {
    image: "${COMPOSE_PROJECT_NAME:-lottery}-client",
    build: build("Dockerfile.client"),
    ...confinement(),
    volumes: [
      mount("${DATASET:-.data}", "/data"),
      mount("./client/config.yaml", "/config.yaml"),
    ],
    networks: ["lottery"],
    depends_on: Object.fromEntries(
      servers.map((name) => [name, { condition: "service_healthy" }]),
    ),
  };
}

function build(dockerfile: string) {
  return { context: ".", dockerfile, args: { DENO_VERSION: "${DENO_VERSION:-2.9.6}" } };
}

function mount(source: string, target: string) {
  return { type: "bind", source, target, read_only: true, bind: { create_host_path: false } };
}

/** Variables without a value: each is that of the environment, and not set where that has none. */
function passedOn(names: readonly string[]): Record<string, null> {
  return Object.fromEntries(names.map((name) => [name, null]));
}
