import { assertEquals, assertStringIncludes } from "@std/assert";
import { needs, type Resource } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { BASE_IMAGES } from "../tools/run/compose_parts.ts";
import { assertStored, exerciseBets, readBets } from "./bets.ts";
import { DockerResources } from "./docker_resources.ts";
import { ProjectCopy } from "./project_copy.ts";

/** Elections take seconds, and containers on a busy machine their time. */
const SLOW_MS = 180_000;

/** The image of nats-server. It may be pulled where that is possible, but not by a test. */
const NATS_IMAGE: Resource = {
  description: `the image ${BASE_IMAGES.NATS_IMAGE}`,
  isPresent: () => {
    const args = ["image", "inspect", BASE_IMAGES.NATS_IMAGE];
    return new Deno.Command("docker", { args, stdout: "null", stderr: "null" }).outputSync()
      .success;
  },
};

Deno.test({
  ...needs(
    ["run", "write", "env", "docker", NATS_IMAGE],
    "deno task up runs the whole lottery on three nodes of JetStream in containers",
  ),
  async fn(test) {
    await using bets = await exerciseBets();
    const rows = await readBets(bets);
    await using copy = await ProjectCopy.make({ clients: 5, servers: 3, dataset: bets.path });
    await copy.edit(".env", [/^LEDGER=.*/m, "LEDGER=jetstream"]);
    // Tasks find no program, and so use containers as well.
    copy.env.NATS_SERVER = "/nowhere/nats-server";
    await using resources = new DockerResources(copy);

    await test.step("every bet is stored although a node is killed, and nothing keeps running", async () => {
      // Small packets, so that the run cannot end before the client is paused.
      copy.env.CLI_BATCH_SIZE = "20";
      await using up = copy.task("up");
      await up.line(/^client1 .* action: config/, SLOW_MS);
      const [client, node] = ["client1", "node2"].map((name) => `${copy.composeProject}-${name}-1`);
      await copy.docker("pause", client);
      const since = (Date.now() / 1000).toFixed(3);
      await using events = new Program({
        name: "docker events",
        command: "docker",
        args: ["events", "--filter", `container=${node}`, "--since", since],
      });
      const kill =
        "for p in /proc/[1-9]*; do grep -q ^nats-server $p/comm && kill -9 ${p#/proc/}; done";
      await copy.docker("exec", node, "sh", "-c", kill);
      await events.line(/ container die .*exitCode=137/);
      await events.line(/ container start /);
      await copy.docker("unpause", client);
      assertEquals(await up.ended(SLOW_MS), 0, up.output());
      await up.line(/ every agency knows its winners, although node2 was killed \(137\)$/);
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("nodes run confined, and check and export use them in containers", async () => {
      await using folder = tempFolder();
      const to = `${folder.path}/export`;
      await using exporting = copy.task("export", "--to", to);
      assertEquals(await exporting.ended(SLOW_MS), 0, exporting.output());
      await assertStored(to, rows);
      await using check = copy.task("check");
      assertEquals(await check.ended(SLOW_MS), 0, check.output());
      assertStringIncludes(check.output(), "draw: complete, all 5 agencies have closed");
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("the next up begins a new draw, and stops on a signal", async () => {
      copy.env.CLI_BATCH_SIZE = "2";
      await using up = copy.task("up");
      await up.line(/^Began a new draw\. The last one stays in the streams LOTTERY_/);
      await up.line(/^client1 .* action: config/, SLOW_MS);
      const ids = await resources.containers();
      const user = `${Deno.uid() || 1000}:${Deno.gid() || 1000}`;
      const format = "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}";
      const found = await copy.docker("inspect", "--format", format, ...ids);
      assertEquals(new Set(found), new Set([`${user} true [ALL]`]));
      up.signal("SIGTERM");
      assertEquals(await up.ended(SLOW_MS), 143, up.output());
      assertEquals(await resources.leftovers(), []);
    });
  },
});
