import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { PROJECT_ROOT } from "../project.ts";
import { composeFile, composeOptions } from "./compose_file.ts";
import type { LedgerChoice } from "./ledger_choice.ts";
import { CONTAINER_LIMITS, type Publish } from "./lottery_settings.ts";
import { readRunSettings } from "./run_settings.ts";

// deno-lint-ignore no-explicit-any
type Yaml = any;

const NODES = {
  nodePort: 4222,
  ledgerFiles: [],
  publish: { ip: "0.0.0.0", port: 0 },
  isSecure: false,
};
const BROADCAST = { broadcastIp: "10.1.255.255", broadcastPort: 5001 };

Deno.test("docker-compose.yaml equals composeFile() for .env.example", async () => {
  const settings = readRunSettings({
    environment: () => undefined,
    readFile: (path) => Deno.readTextFileSync(path.replace(/\.env$/, ".env.example")),
  });
  assertEquals(settings.lottery.limits, CONTAINER_LIMITS, ".env.example has the defaults");
  const written = await Deno.readTextFile(`${PROJECT_ROOT}/docker-compose.yaml`);
  assertEquals(
    written,
    composeFile(composeOptions(settings)),
    "generate it with the settings of .env.example: ./denow task compose",
  );
});

function servicesOf(
  options: { servers: number; clients: number; publish?: Publish },
  ledger: LedgerChoice = { kind: "files" },
  ledgerFiles: string[] = [],
  isSecure = false,
): Yaml {
  return (parse(
    composeFile({ ...NODES, ...options, ...BROADCAST, ledger, ledgerFiles, isSecure }),
  ) as Yaml)
    .services;
}

Deno.test("composeFile() defines a service for each server and client, and the board", () => {
  const services = servicesOf({ servers: 3, clients: 2 });
  const names = ["server1", "server2", "server3", "client1", "client2", "board", "prometheus"];
  assertEquals(Object.keys(services), names);
  assertEquals(services.client2.environment.CLI_ID, "2");
  assertEquals(services.client2.environment.CLI_RESULT, "/results/client2.json");
  assertEquals([services.server1.restart, services.client1.restart], ["on-failure:5", undefined]);
  assertEquals(services.client2.image, services.client1.image);
  assertEquals(Object.keys(services.client1.depends_on), ["server1", "server2", "server3"]);
  for (const [name, service] of Object.entries(services) as [string, Yaml][]) {
    assertEquals([service.read_only, service.init, service.cap_drop], [true, true, ["ALL"]]);
    // Prometheus has the user of its image, to whom its volume belongs.
    if (name === "prometheus") continue;
    assertMatch(service.user, /LOTTERY_UID/);
    for (const { target, read_only } of service.volumes) {
      const isWritten = ["/shared-volume", "/results"].includes(target) && name !== "board";
      assertEquals(read_only, !isWritten, `${name}: ${target}`);
    }
  }
});

Deno.test("composeFile() defines the nodes of a ledger on JetStream, which servers wait for", () => {
  const services = servicesOf({ servers: 1, clients: 1 }, { kind: "nodes" });
  assertEquals(Object.keys(services), [
    "node1",
    "node2",
    "node3",
    "server1",
    "client1",
    "board",
    "prometheus",
  ]);
  assertEquals(services.server1.depends_on.node3, { condition: "service_healthy" });
  const { server1 } = services;
  assertEquals(server1.environment.LEDGER, "nats://node1,node2,node3");
  assertEquals(server1.build.args.LEDGER, "jetstream");
  assertEquals(
    server1.volumes.map(({ source, target }: Yaml) => [source, target]),
    [
      ["./server/shared-volume/audit", "/shared-volume/audit"],
      ["./server/config.ini", "/app/server/config.ini"],
    ],
  );
  assertEquals(valuesOf("--allow-write", server1.command), ["/shared-volume/audit"]);
  assertEquals(valuesOf("--allow-net", server1.command).slice(1, 4), [
    "node1:4222",
    "node2:4222",
    "node3:4222",
  ]);
  for (const [index, name] of ["node1", "node2", "node3"].entries()) {
    const node = services[name];
    const [config, data] = node.volumes;
    assertEquals(config.source, `./.cache/nodes/${name}.conf`);
    assertEquals([config.read_only, data.read_only], [true, false]);
    assertEquals(data.source, `./server/shared-volume/jetstream/${name}`);
    assertEquals(node.ports, [
      `127.0.0.1:${4222 + index}:4222`,
      `127.0.0.1:${8222 + index}:8222`,
    ]);
    assertEquals([node.read_only, node.init, node.cap_drop], [true, true, ["ALL"]]);
    assertStringIncludes(node.healthcheck.test.at(-1), ":8222/healthz");
    assertEquals(node.mem_limit, `\${NODE_MEMORY:-${CONTAINER_LIMITS.NODE_MEMORY}}`);
  }
});

Deno.test("composeFile() lets servers use a cluster that is there, with mounted keys", () => {
  const { server1 } = servicesOf(
    { servers: 1, clients: 1 },
    { kind: "cluster", url: "tls://a,b" },
    ["/keys/ca.pem", "keys/client.key"],
  );
  assertEquals(server1.environment.LEDGER, "tls://a,b");
  assertEquals(server1.depends_on, undefined);
  assertEquals(
    server1.volumes.slice(0, 2).map(({ source, target }: Yaml) => [source, target]),
    [["/keys/ca.pem", "/keys/ca.pem"], ["keys/client.key", "/app/keys/client.key"]],
  );
  const read = valuesOf("--allow-read", server1.command);
  assertEquals(read.includes("/keys/ca.pem") && read.includes("/app/keys/client.key"), true);
});

Deno.test("composeFile() limits memory, processes and CPUs by settings with defaults", () => {
  const services = servicesOf({ servers: 1, clients: 1 });
  for (
    const [kind, { mem_limit, pids_limit, cpus }] of [["SERVER", services.server1], [
      "CLIENT",
      services.client1,
    ]] as const
  ) {
    const expected = ["MEMORY", "PIDS", "CPUS"].map((limit) => {
      const name = `${kind}_${limit}` as keyof typeof CONTAINER_LIMITS;
      return `\${${name}:-${CONTAINER_LIMITS[name]}}`;
    });
    assertEquals([mem_limit, pids_limit, cpus], expected);
  }
});

/** Returns the values of a flag among arguments, which a comma separates. */
function valuesOf(flag: string, args: string[]): string[] {
  return args.filter((arg) => arg.startsWith(`${flag}=`))
    .flatMap((arg) => arg.slice(flag.length + 1).split(","));
}

Deno.test("composeFile() allows servers and clients only the addresses and files that they use", () => {
  const services = servicesOf({ servers: 1, clients: 1 });
  const { command, healthcheck, volumes } = services.server1;
  const port = "${SERVER_PORT:-12345}";
  const status = "${STATUS_PORT:-12346}";
  const broadcasts = ["0.0.0.0:5001", "10.1.255.255:5001"];
  const writer = "unix:/shared-volume/.writer.sock";
  const listening = [`0.0.0.0:${port}`, ...broadcasts, writer, `0.0.0.0:${status}`];
  assertEquals(valuesOf("--allow-net", command), listening);
  assertEquals(valuesOf("--allow-net", healthcheck.test), [`127.0.0.1:${port}`]);
  const mounted = volumes.map(({ target }: Yaml) => target).sort();
  assertEquals(valuesOf("--allow-read", command).sort(), mounted);
  assertEquals(valuesOf("--allow-write", command), ["/shared-volume"]);
  const client = services.client1.build.args.PERMISSIONS.split(" ");
  const [name, network] = valuesOf("--allow-net", client);
  assertEquals(name, services.server1.networks.lottery.aliases[0]);
  assertMatch(network, /^\$\{DOCKET_SUBNET:-.*\}:\$\{SERVER_PORT:-12345\}$/);
  const data = services.client1.volumes.map(({ target }: Yaml) => target).sort();
  // Its image is the same where the lottery is secure.
  assertEquals(valuesOf("--allow-read", client).sort(), [...data, "/secrets"].sort());
});

Deno.test("composeFile() gives servers a status port, on loopback for this machine, and asks it for their health", () => {
  const { environment, healthcheck, ports } = servicesOf({ servers: 1, clients: 1 }).server1;
  const port = "${STATUS_PORT:-12346}";
  assertEquals([environment.STATUS_IP, environment.STATUS_PORT], ["0.0.0.0", port]);
  assertEquals(ports, [`127.0.0.1::${port}`]);
  assertEquals(healthcheck.test.slice(0, 5), ["CMD", "sh", "server/health.sh", "deno", "run"]);
});

Deno.test("composeFile() publishes a port of each server for agencies elsewhere, and leaves the status on loopback", () => {
  const publish = { ip: "10.0.0.7", port: 20_000 };
  const services = servicesOf({ servers: 2, clients: 1, publish });
  const status = "127.0.0.1::${STATUS_PORT:-12346}";
  const port = "${SERVER_PORT:-12345}";
  assertEquals(services.server1.ports, [status, `10.0.0.7:20000:${port}`]);
  assertEquals(services.server2.ports, [status, `10.0.0.7:20001:${port}`]);
  assertEquals(services.server2.labels, { "lottery.status-port": "${STATUS_PORT:-12346}" });
});

Deno.test("composeFile() publishes the board on loopback, and lets it find the servers by their name", () => {
  const { command, environment, ports } = servicesOf({ servers: 1, clients: 1 }).board;
  assertEquals(ports, ["127.0.0.1:${BOARD_PORT:-8080}:8080"]);
  const name = "${SERVER_NAME:-server}";
  const status = "${STATUS_PORT:-12346}";
  assertEquals(environment.BOARD_SERVERS, `${name}:${status}`);
  const subnet = "${DOCKET_SUBNET:-${DOCKER_SUBNET:-172.25.125.0/24}}";
  assertEquals(valuesOf("--allow-net", command), ["0.0.0.0:8080", name, `${subnet}:${status}`]);
  assertEquals(command.filter((flag: string) => /^--allow-(write|run|all)|^-A/.test(flag)), []);
});

Deno.test("composeFile() names the anchors that services share, and no project", () => {
  const ledger = { kind: "nodes" } as const;
  const text = composeFile({ servers: 2, clients: 2, ...BROADCAST, ledger, ...NODES });
  assertMatch(text, /\n {2}server1:\n {4}<<: \*server\n {4}hostname: server1\n/);
  assertMatch(text, /\n {2}client1:\n {4}<<: \*client\n/);
  assertMatch(text, /\n {2}node1:\n {4}<<: \*node\n/);
  assertEquals(/ref_/.test(text), false);
  assertEquals(/^name:/m.test(text), false);
});

Deno.test("base images are pinned in composeFile() alone, with the Deno of ./denow", async () => {
  const read = (path: string) => Deno.readTextFile(`${PROJECT_ROOT}/${path}`);
  const [, pinned] = /^DENO_PINNED=(.+)$/m.exec(await read("denow")) ?? [];
  const { build } = servicesOf({ servers: 1, clients: 1 }).client1;
  assertEquals(build.args.DENO_IMAGE, `\${DENO_IMAGE:-denoland/deno:${pinned}}`);
  const { image } = servicesOf({ servers: 1, clients: 1 }, { kind: "nodes" }).node1;
  assertMatch(image, /^\$\{NATS_IMAGE:-nats:\d+\.\d+\.\d+-alpine\}$/, "pinned to a patch version");
  assertMatch(build.args.DEBIAN_IMAGE, /:-debian:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?\}$/);
  for (const name of ["Dockerfile.client", "Dockerfile.server"]) {
    const dockerfile = await read(name);
    const bases = dockerfile.split("\n").filter((line) => line.startsWith("FROM"));
    for (const base of bases) assertMatch(base, /^FROM \$\{[A-Z]+_IMAGE\}( AS build)?$/);
    assertStringIncludes(dockerfile, "ARG DENO_IMAGE\n");
  }
});

Deno.test("composeFile() gives servers and clients their own secrets alone, if the lottery is secure", () => {
  const numbers = { servers: 2, clients: 2 };
  const services = servicesOf(numbers, { kind: "files" }, [], true);
  for (const name of ["server1", "server2"]) {
    const { environment, volumes, command } = services[name];
    assertEquals(environment.SERVER_TLS_CERT, "/secrets/server.pem");
    assertEquals(environment.AGENCY_KEYS, "/secrets/agencies.keys");
    const { source, target, read_only } = volumes.at(-1);
    assertEquals([source, target, read_only], ["./.cache/secure/servers", "/secrets", true]);
    assertEquals(valuesOf("--allow-read", command).includes("/secrets"), true);
    assertEquals(valuesOf("--allow-write", command).includes("/secrets"), false);
  }
  for (const agency of [1, 2]) {
    const { environment, volumes } = services[`client${agency}`];
    assertEquals(environment.CLI_ID, String(agency));
    assertEquals(environment.CLI_KEY_FILE, "/secrets/agency.key");
    const secrets = volumes.filter(({ target }: Yaml) => target.startsWith("/secrets"));
    assertEquals(secrets.map(({ source, target }: Yaml) => [source, target]), [
      ["./.cache/secure/ca.pem", "/secrets/ca.pem"],
      [`./.cache/secure/agency-${agency}.key`, "/secrets/agency.key"],
    ]);
    assertEquals(volumes.length, servicesOf(numbers).client1.volumes.length + 2);
  }
  const { server1, client1 } = servicesOf(numbers);
  const plain = JSON.stringify([server1, client1].map(({ environment, volumes }) => [
    environment,
    volumes,
  ]));
  assertEquals(/secrets|SERVER_TLS_CERT|AGENCY_KEYS|CLI_KEY/.exec(plain)?.[0], undefined);
});
