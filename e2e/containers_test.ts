import { assertEquals } from "@std/assert";
import { needs } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { assertStored, courseBets, readBets } from "./bets.ts";
import { ProjectCopy } from "./project_copy.ts";

/** The containers, networks and images of a copy of the project. They are removed at the end of the block. */
class DockerResources implements AsyncDisposable {
  readonly #copy: ProjectCopy;
  readonly #label: string;

  constructor(copy: ProjectCopy) {
    this.#copy = copy;
    this.#label = `label=com.docker.compose.project=${copy.composeProject}`;
  }

  /** Returns the ids of the running containers. */
  containers(): Promise<string[]> {
    return this.#copy.docker("ps", "--quiet", "--filter", this.#label);
  }

  /** Returns the ids of all containers, stopped ones included, and of all networks. */
  async leftovers(): Promise<string[]> {
    return [
      ...await this.#copy.docker("ps", "--all", "--quiet", "--filter", this.#label),
      ...await this.#copy.docker("network", "ls", "--quiet", "--filter", this.#label),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using down = this.#copy.task("down");
    await down.ended();
    const { composeProject } = this.#copy;
    await this.#copy.docker("image", "rm", `${composeProject}-server`, `${composeProject}-client`);
  }
}

Deno.test({
  ...needs(
    ["run", "write", "env", "docker"],
    "deno task up runs the whole lottery in containers, and removes them on a signal",
  ),
  async fn(test) {
    await using bets = await courseBets();
    const rows = await readBets(bets);
    await using copy = await ProjectCopy.make({ clients: 5, servers: 3, dataset: bets.path });
    await using resources = new DockerResources(copy);

    await test.step("every bet is stored, once and in order, and nothing keeps running", async () => {
      await using up = copy.task("up");
      assertEquals(await up.ended(), 0, up.output());
      await up.line(/^docker-compose.yaml: updated, for 3 servers and 5 clients/);
      await up.line(/^All bets are stored, and every agency knows its winners/);
      await assertStored(copy.volume, rows);
      assertEquals(await resources.leftovers(), []);
    });

    await test.step("a killed server is started again, and the run succeeds", async () => {
      // Small packets, so that the run cannot end before the client is paused.
      copy.env.CLI_BATCH_SIZE = "5";
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

    await test.step("containers run without privileges, as an ordinary user", async () => {
      // Small packets, so that the signal comes in the middle of the work.
      copy.env.CLI_BATCH_SIZE = "2";
      await using up = copy.task("up");
      await up.line(/^client1 .* action: config/);
      const format = "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}";
      const ids = await resources.containers();
      const found = await copy.docker("inspect", "--format", format, ...ids);
      const user = Deno.uid() || 1000;
      for (const line of found) assertEquals(line, `${user}:${Deno.gid() || 1000} true [ALL]`);
      up.signal("SIGTERM");
      assertEquals(await up.ended(), 143, up.output());
      assertEquals(await resources.leftovers(), []);
    });
  },
});
