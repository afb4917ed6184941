import { assertEquals, assertMatch } from "@std/assert";
import { parse } from "@std/yaml";
import { PROJECT_ROOT } from "../project.ts";
import { CLIENT_RESULTS, composeFile, SERVER_FOLDERS } from "./compose_file.ts";
import { readLotterySettings } from "./lottery_settings.ts";
import { reportingClientPermissions, serverPermissions } from "./permissions.ts";

// deno-lint-ignore no-explicit-any
type Yaml = any;

Deno.test("docker-compose.yaml equals composeFile() for .env.example", async () => {
  const text = await Deno.readTextFile(`${PROJECT_ROOT}/.env.example`);
  const settings = readLotterySettings({ environment: () => undefined, readFile: () => text });
  const written = await Deno.readTextFile(`${PROJECT_ROOT}/docker-compose.yaml`);
  assertEquals(
    written,
    composeFile(settings),
    "generate it with the settings of .env.example: ./denow task compose",
  );
});

Deno.test("composeFile() defines a service for each server and client", () => {
  const { services } = parse(composeFile({ servers: 3, clients: 2 })) as Yaml;
  assertEquals(Object.keys(services), ["server1", "server2", "server3", "client1", "client2"]);
  assertEquals(services.client2.environment.CLI_ID, "2");
  assertEquals(services.client2.environment.CLI_RESULT, "/results/client2.json");
  assertEquals([services.server1.restart, services.client1.restart], ["on-failure:5", undefined]);
  assertEquals(services.client2.image, services.client1.image);
  assertEquals(Object.keys(services.client1.depends_on), ["server1", "server2", "server3"]);
  for (const service of Object.values(services) as Yaml[]) {
    assertEquals([service.read_only, service.init, service.cap_drop], [true, true, ["ALL"]]);
    assertMatch(service.user, /LOTTERY_UID/);
    for (const { target, read_only } of service.volumes) {
      assertEquals(read_only, ![SERVER_FOLDERS.sharedVolume, CLIENT_RESULTS].includes(target));
    }
  }
});

Deno.test("composeFile() names the anchors that services share", () => {
  const text = composeFile({ servers: 2, clients: 2 });
  assertMatch(text, /\n {2}server1: \*server\n {2}server2: \*server\n/);
  assertMatch(text, /\n {2}client1:\n {4}<<: \*client\n/);
  assertEquals(/ref_/.test(text), false);
});

/** Returns the words of a Dockerfile instruction in exec form. */
async function instruction(dockerfile: string, start: RegExp): Promise<string[]> {
  const text = await Deno.readTextFile(`${PROJECT_ROOT}/${dockerfile}`);
  const line = text.split("\n").find((line) => start.test(line)) ?? "";
  return JSON.parse(line.slice(line.indexOf("[")));
}

Deno.test("Dockerfiles give the programs the same permissions as permissions.ts", async () => {
  const isPermission = (word: string) => /^--(allow|no-prompt)/.test(word);
  const server = await instruction("Dockerfile.server", /^ENTRYPOINT/);
  assertEquals(server.filter(isPermission), serverPermissions(SERVER_FOLDERS));
  const client = await instruction("Dockerfile.client", /^RUN.*compile/);
  const permissions = reportingClientPermissions(CLIENT_RESULTS);
  assertEquals(client.filter(isPermission).sort(), permissions.sort());
});
