import { assertEquals, assertMatch } from "@std/assert";
import { LineConnection } from "../testing/line_connection.ts";
import { needs } from "../testing/needs.ts";
import { freePort, isFree, steadyPort } from "../testing/ports.ts";
import { Program } from "../testing/program.ts";
import { BASE_IMAGES } from "../tools/run/compose_parts.ts";
import { assertStored, exerciseBets, readBets } from "./bets.ts";
import { DockerResources } from "./docker_resources.ts";
import { succeeds } from "./faults/commands.ts";
import { ProjectCopy } from "./project_copy.ts";

/** A folder whose name shells, Docker, Deno and URLs read as something else, each in its way. */
const AWKWARD_NAME = "Ñandú 'a' \"b\", $HOME ${PATH} #1 ?x=%20;&|";

const PROMETHEUS_IMAGE = {
  description: "the image of Prometheus, or the stand-in of .ci/docker.sh",
  isPresent: () => succeeds("docker", ["image", "inspect", BASE_IMAGES.PROMETHEUS_IMAGE]),
};

/** Returns the first of three free ports that follow each other. */
function freePorts(): number {
  for (;;) {
    const port = steadyPort();
    if ([0, 1, 2].every((more) => isFree(port + more))) return port;
  }
}

/** Returns the paths below a folder that another user owns, the folder itself included. */
async function foreignPaths(folder: string, uid: number): Promise<string[]> {
  const own = (await Deno.lstat(folder)).uid === uid ? [] : [folder];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) own.push(...await foreignPaths(path, uid));
    else if ((await Deno.lstat(path)).uid !== uid) own.push(path);
  }
  return own;
}

/** What Prometheus answers: its targets, or its rules. */
interface Answer {
  activeTargets: { health: string; scrapeUrl: string }[];
  groups: { rules: { name: string; health: string; state: string }[] }[];
}

/** Prometheus is asked for a minute. */
const ATTEMPTS_MAX = 600;

/** Asks Prometheus until the answer is as expected. */
async function untilAnswer(url: string, isExpected: (data: Answer) => boolean): Promise<void> {
  for (let last: unknown, attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const response = await fetch(url).catch((error) => void (last = String(error)));
    const data = (last = (await response?.json())?.data ?? last) as Answer;
    if (response !== undefined && isExpected(data)) return;
    if (attempt === ATTEMPTS_MAX - 1) throw new Error(`${url}: ${JSON.stringify(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Asserts that Prometheus scrapes three servers, and that no alert fires. */
async function assertMonitored(api: string): Promise<void> {
  await untilAnswer(
    `${api}/targets`,
    ({ activeTargets }) =>
      new Set(activeTargets.map(({ scrapeUrl }) => scrapeUrl)).size === 3 &&
      activeTargets.every(({ health }) => health === "up"),
  );
  await untilAnswer(
    `${api}/rules`,
    ({ groups }) =>
      groups.flatMap(({ rules }) => rules)
        .every(({ health, state }) => health === "ok" && state !== "firing"),
  );
}

Deno.test({
  ...needs(
    ["run", "write", "env", "docker"],
    "deno task up runs the whole lottery in containers, and removes them on a signal",
  ),
  async fn(test) {
    await using bets = await exerciseBets();
    const rows = await readBets(bets);
    await using copy = await ProjectCopy.make({
      clients: 5,
      servers: 3,
      dataset: bets.path,
      name: AWKWARD_NAME,
    });
    await using resources = new DockerResources(copy);
    const publishPort = freePorts();
    await copy.edit(".env", [/^PUBLISH_PORT=.*/m, `PUBLISH_PORT=${publishPort}`]);
    await copy.edit(".env", [/^PUBLISH_IP=.*/m, "PUBLISH_IP=127.0.0.1"]);
    const uid = Deno.uid() || 1000;

    await test.step("every bet is stored, once and in order, and nothing keeps running", async () => {
      await using up = copy.task("up");
      assertEquals(await up.ended(), 0, up.output());
      await up.line(/^docker-compose.yaml: updated, for 3 servers and 5 clients/);
      await up.line(/^All bets are stored, and every agency knows its winners/);
      await up.line(/^server\d .* action: broadcast \| result: success/);
      await assertStored(copy.volume, rows);
      assertEquals(await foreignPaths(copy.volume, uid), []);
      assertEquals(await foreignPaths(`${copy.root}/.cache/results`, uid), []);
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("agencies outside the containers reach each server, and operators its status", async (test) => {
      const prometheusPort = freePort("tcp");
      if (PROMETHEUS_IMAGE.isPresent()) {
        Object.assign(copy.env, {
          COMPOSE_PROFILES: "monitoring",
          PROMETHEUS_PORT: String(prometheusPort),
        });
      }
      // Small packets, so that the run cannot end before the client is paused.
      copy.env.CLI_BATCH_SIZE = "5";
      await using up = copy.task("up");
      await up.line(/^client1 .* action: config/);
      const client = `${copy.composeProject}-client1-1`;
      await copy.docker("pause", client);
      for (const more of [0, 1, 2]) {
        const address = { hostname: "127.0.0.1", port: publishPort + more };
        using connection = await LineConnection.open(address);
        assertMatch(await connection.ask("ProgressRequest:1\n"), /^ProgressResponse:\d+$/);
      }
      await using status = copy.task("status");
      assertEquals(await status.ended(), 0, status.output());
      assertEquals(status.count(/^server\d +● up/), 3, status.output());
      await test.step({
        ...needs([PROMETHEUS_IMAGE], "Prometheus finds the servers by their name"),
        fn: () => assertMonitored(`http://127.0.0.1:${prometheusPort}/api/v1`),
      });
      await copy.docker("unpause", client);
      up.signal("SIGTERM");
      assertEquals(await up.ended(), 143, up.output());
      assertEquals(await resources.leftovers(), []);
      if (copy.env.COMPOSE_PROFILES === undefined) return;
      await copy.docker("volume", "rm", `${copy.composeProject}_prometheus`);
      delete copy.env.COMPOSE_PROFILES;
    });

    await test.step("a killed server is started again, and the run succeeds", async () => {
      await using up = copy.task("up");
      await up.line(/^client1 .* action: config/);
      const [client, server] = ["client1", "server2"].map((name) =>
        `${copy.composeProject}-${name}-1`
      );
      await copy.docker("pause", client);
      const since = (Date.now() / 1000).toFixed(3);
      await using events = new Program({
        name: "docker events",
        command: "docker",
        args: ["events", "--filter", `container=${server}`, "--since", since],
      });
      const kill = "for p in /proc/[1-9]*; do grep -q ^deno $p/comm && kill -9 ${p#/proc/}; done";
      await copy.docker("exec", server, "sh", "-c", kill);
      await events.line(/ container die .*exitCode=137/);
      await events.line(/ container start /);
      await copy.docker("unpause", client);
      assertEquals(await up.ended(), 0, up.output());
      await up.line(/ every agency knows its winners, although server2 was killed \(137\)$/);
      await assertStored(copy.volume, rows);
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("with --secure, servers and clients have TLS and keys", async () => {
      delete copy.env.CLI_BATCH_SIZE;
      await using up = copy.task("up", "--secure");
      assertEquals(await up.ended(), 0, up.output());
      await up.line(/^\.cache\/secure: made a throw-away authority/);
      await up.line(/^server1 .* action: keys \| result: success .* agencies: 5/);
      await up.line(/^client5 .* action: config .* tls: server/);
      await assertStored(copy.volume, rows);
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("containers run confined and limited, beside those of another checkout", async () => {
      await using other = await ProjectCopy.make({ clients: 2, servers: 1 });
      await copy.edit(".env", [/^SERVER_MEMORY=.*/m, "SERVER_MEMORY=600m"]);
      await copy.edit(".env", [/^CLIENT_CPUS=.*/m, "CLIENT_CPUS=0.5"]);
      // Small packets, so that the signal comes in the middle of the work.
      copy.env.CLI_BATCH_SIZE = "2";
      await using up = copy.task("up");
      for (let client = 1; client <= 5; client++) {
        await up.line(new RegExp(`^client${client} .* action: config`));
      }
      const ids = await resources.containers();
      const user = `${uid}:${Deno.gid() || 1000}`;
      const limits = "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}}";
      const format =
        `{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} ${limits}`;
      const found = await copy.docker("inspect", "--format", format, ...ids);
      assertEquals(
        found.sort(),
        [
          ...Array(5).fill(`${user} true [ALL] ${512 * 2 ** 20} 256 ${0.5e9}`),
          ...Array(3).fill(`${user} true [ALL] ${600 * 2 ** 20} 512 ${1e9}`),
          // The board.
          `${user} true [ALL] ${256 * 2 ** 20} 128 ${0.5e9}`,
        ].sort(),
      );

      await using down = other.task("down");
      assertEquals(await down.ended(), 0, down.output());
      await down.line(/^Nothing was running$/);
      assertEquals((await resources.containers()).sort(), ids.sort());

      up.signal("SIGTERM");
      assertEquals(await up.ended(), 143, up.output());
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("a subnet of another network is reported, with both settings to change", async () => {
      const [, subnet] = /^DOCKET_SUBNET=(.+)$/m.exec(
        await Deno.readTextFile(`${copy.root}/.env`),
      )!;
      const name = `${copy.composeProject}-other`;
      await copy.docker("network", "create", "--subnet", subnet, name);
      try {
        await using up = copy.task("up");
        assertEquals(await up.ended(), 1, up.output());
        await up.line(
          new RegExp(`${subnet} overlaps .* network ${name}: .*DOCKET_SUBNET.*UDP_BROADCAST_IP`),
        );
        await using doctor = copy.task("doctor");
        assertEquals(await doctor.ended(), 1, doctor.output());
        await doctor.line(new RegExp(`^fault +subnet +${subnet} overlaps .* network ${name}: `));
      } finally {
        await copy.docker("network", "rm", name);
      }
    });

    await test.step("down stops containers that docker compose started under another name", async () => {
      const project = `${copy.composeProject}-by-hand`;
      await copy.docker(
        "compose",
        "--project-name",
        project,
        "up",
        "--build",
        "--detach",
        "server1",
      );
      await using refused = copy.task("up");
      assertEquals(await refused.ended(), 1, refused.output());
      await refused.line(/^Containers of the lottery are running: stop them with: .* task down$/);
      await using down = copy.task("down");
      assertEquals(await down.ended(), 0, down.output());
      await down.line(/^Stopped and removed the containers$/);
      const left = await copy.docker("ps", "--all", "--quiet", "--filter", `name=${project}`);
      assertEquals(left, []);
      await copy.docker("image", "rm", `${project}-server`);
    });
  },
});
