import { assertEquals, assertThrows } from "@std/assert";
import { SettingsError } from "../../shared/config.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import {
  CONTAINER_LIMITS,
  ensureEnvFile,
  parseEnvFile,
  parseSubnet,
  readLotterySettings,
} from "./lottery_settings.ts";

const WHOLE = `
CLIENTS=5
SERVERS=8
SERVER_NAME=server
SERVER_PORT=12345
DOCKET_SUBNET=172.25.125.0/24
`;

function read(text: string, environment: Record<string, string> = {}) {
  return readLotterySettings({ environment: (name) => environment[name], readFile: () => text });
}

function faultsOf(text: string): readonly string[] {
  return assertThrows(() => read(text), SettingsError).faults;
}

Deno.test("parseEnvFile() reads names and values, and skips comments and quotes", () => {
  const text =
    "# a comment\n\nA=1\r\nexport B = two words \nC=\"a # b\" # c\nD='x'\nE=\nF=1 # one\nG=a#b\nno line\n";
  assertEquals(parseEnvFile(text), {
    variables: { A: "1", B: "two words", C: "a # b", D: "x", E: "", F: "1", G: "a#b" },
    faults: ["line 10 of .env is not NAME=VALUE: no line"],
  });
});

Deno.test("readLotterySettings() publishes no port unless there is one for each server", () => {
  assertEquals(read(WHOLE).publish, { ip: "0.0.0.0", port: 0 });
  const last = read(`${WHOLE}PUBLISH_PORT=65528\nPUBLISH_IP=127.0.0.1\n`);
  assertEquals(last.publish, { ip: "127.0.0.1", port: 65_528 });
  assertEquals(faultsOf(`${WHOLE}PUBLISH_PORT=65529\n`), [
    "PUBLISH_PORT is 65529, and 8 servers need the ports up to 65536: give 65528 or less",
  ]);
});

Deno.test("readLotterySettings() reads the port of the status, which must not be that of the server", () => {
  assertEquals(read(WHOLE).statusPort, 12346);
  assertEquals(read(`${WHOLE}STATUS_PORT=9000\n`).statusPort, 9000);
  assertEquals(read(WHOLE, { SERVER_PORT: "12346" }).statusPort, 12347);
  assertEquals(faultsOf(`${WHOLE}STATUS_PORT=12345\n`), [
    "SERVER_PORT and STATUS_PORT are both 12345: give two different ports",
  ]);
});

Deno.test("readLotterySettings() prefers the environment to the file", () => {
  const settings = read(`${WHOLE}COMPOSE_PROJECT_NAME=x\nDENO_IMAGE=deno:2.7.0\n`, {
    CLIENTS: "3",
  });
  assertEquals(settings, {
    clients: 3,
    servers: 8,
    serverName: "server",
    serverPort: 12345,
    statusPort: 12346,
    publish: { ip: "0.0.0.0", port: 0 },
    subnet: { text: "172.25.125.0/24", broadcast: "172.25.125.255", hostsMax: 253 },
    board: { port: 8080, language: "auto", documents: "masked" },
    dataset: ".data",
    ledger: { kind: "files" },
    nodePort: 4222,
    limits: CONTAINER_LIMITS,
  });
});

Deno.test("readLotterySettings() reads the limits of the containers, in the forms of Docker", () => {
  const { limits } = read(`${WHOLE}SERVER_MEMORY=2G\nSERVER_CPUS=1.5\nCLIENT_PIDS=64\n`);
  const set = { SERVER_MEMORY: "2G", SERVER_CPUS: "1.5", CLIENT_PIDS: "64" };
  assertEquals(limits, { ...CONTAINER_LIMITS, ...set });
  const wrong = ["SERVER_MEMORY=2", "CLIENT_MEMORY=-1g", "SERVER_CPUS=all", "SERVER_PIDS=0"];
  for (const line of wrong) {
    const [fault, ...others] = faultsOf(`${WHOLE}${line}\n`);
    assertEquals([fault.split(" ")[0], others], [line.split("=")[0], []]);
  }
});

Deno.test("readLotterySettings() names all faults in one error", () => {
  const faults = faultsOf("CLIENTS=0\nSERVER_NAME=my_server\nSERVER_PORT=99999\nSEVERS=3\n");
  const names = ["CLIENTS", "SERVERS", "SERVER_NAME", "SERVER_PORT", "DOCKET_SUBNET", "SEVERS"];
  assertEquals(faults.map((fault) => fault.split(" ")[0]), names);
});

Deno.test("readLotterySettings() accepts DOCKER_SUBNET for DOCKET_SUBNET, but not two different values", () => {
  const without = WHOLE.replace(/DOCKET.*\n/, "");
  assertEquals(read(`${without}DOCKER_SUBNET=10.1.0.0/16\n`).subnet.broadcast, "10.1.255.255");
  assertEquals(read(`${WHOLE}DOCKER_SUBNET=172.25.125.0/24\n`).subnet.hostsMax, 253);
  assertEquals(faultsOf(`${WHOLE}DOCKER_SUBNET=10.1.0.0/16\n`), [
    "DOCKET_SUBNET is 172.25.125.0/24 and DOCKER_SUBNET is 10.1.0.0/16: both name the subnet; give only one",
  ]);
});

Deno.test("readLotterySettings() rejects a subnet that is too small, and the name of a container", () => {
  const narrow = WHOLE.replace("125.0/24", "125.0/28").replace("SERVERS=8", "SERVERS=9");
  assertEquals(faultsOf(narrow).length, 1);
  assertEquals(faultsOf(WHOLE.replace("NAME=server", "NAME=server1")).length, 1);
});

Deno.test("readLotterySettings() rejects a DATASET that only a shell would expand, and expands it", () => {
  const environment = { HOME: "/home/ana", DIR: "bets" };
  const remedies = {
    "~": "write DATASET=/home/ana",
    "~/bets": "write DATASET=/home/ana/bets",
    "$HOME/bets": "write DATASET=/home/ana/bets",
    "${HOME}/${DIR}": "write DATASET=/home/ana/bets",
    "'$HOME/bets'": "write DATASET=/home/ana/bets",
    "~ana/bets": "write the full path",
    "$(pwd)/bets": "write the full path",
    "${HOMES}/bets": "write the full path",
    "${HOME:-/root}/bets": "write the full path",
  };
  for (const [dataset, remedy] of Object.entries(remedies)) {
    const error = assertThrows(
      () => read(`${WHOLE}DATASET=${dataset}\n`, environment),
      SettingsError,
    );
    assertEquals(error.faults.map((fault) => fault.split(": ").at(-1)), [remedy]);
  }
  assertEquals(read(`${WHOLE}DATASET=/mnt/5$/a~b\n`).dataset, "/mnt/5$/a~b");
});

Deno.test({
  ...needs(["write"], "ensureEnvFile() copies the example, and never overwrites .env"),
  async fn() {
    await using folder = tempFolder();
    await Deno.writeTextFile(`${folder.path}/.env.example`, "CLIENTS=5\n");
    assertEquals(await ensureEnvFile(folder.path), true);
    assertEquals(await Deno.readTextFile(`${folder.path}/.env`), "CLIENTS=5\n");
    await Deno.writeTextFile(`${folder.path}/.env`, "CLIENTS=6\n");
    assertEquals(await ensureEnvFile(folder.path), false);
    assertEquals(await Deno.readTextFile(`${folder.path}/.env`), "CLIENTS=6\n");
  },
});

Deno.test("parseSubnet() computes the broadcast address and the number of hosts", () => {
  const cases = [
    { text: "172.25.125.0/24", broadcast: "172.25.125.255", hostsMax: 253 },
    { text: "10.0.0.64/28", broadcast: "10.0.0.79", hostsMax: 13 },
    { text: "172.16.0.0/12", broadcast: "172.31.255.255", hostsMax: 2 ** 20 - 3 },
  ];
  for (const subnet of cases) assertEquals(parseSubnet(subnet.text), subnet);
});

Deno.test("parseSubnet() rejects malformed subnets, and an address within one", () => {
  const malformed = ["", "172.25.125.0", "172.25.125.0/", "172.25.125/24", "1.2.3.0/24/8"];
  for (const text of [...malformed, "1.2.3.0/31", "1.0.0.0/7"]) {
    assertEquals(typeof parseSubnet(text), "string", text);
  }
  assertEquals(
    parseSubnet("172.25.125.7/24"),
    "its first address is 172.25.125.0: give that one",
  );
});
