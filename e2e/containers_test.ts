import { assertEquals } from "@std/assert";
import { assertStored, courseBets, readBets } from "./bets.ts";
import { needing } from "./needs.ts";
import { ProjectCopy } from "./project_copy.ts";

const CONTAINERS = { run: true, write: true, env: true, docker: true };

/** The containers, networks and images of a copy of the project, removed at the end of its block. */
class DockerThings implements AsyncDisposable {
  readonly #copy: ProjectCopy;

  constructor(copy: ProjectCopy) {
    this.#copy = copy;
  }

  /** What there is of containers and networks. */
  async left(): Promise<string[]> {
    const label = `label=com.docker.compose.project=${this.#copy.composeProject}`;
    return [
      ...await this.#copy.docker("ps", "--all", "--quiet", "--filter", label),
      ...await this.#copy.docker("network", "ls", "--quiet", "--filter", label),
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
  ...needing(
    "deno task up runs the whole lottery in containers, and takes them down on a signal",
    CONTAINERS,
  ),
  async fn(test) {
    await using bets = await courseBets();
    const rows = await readBets(bets);
    await using copy = await ProjectCopy.make({ clients: 5, servers: 3, dataset: bets.path });
    await using things = new DockerThings(copy);

    await test.step("every bet is stored, once and in order, and nothing is left running", async () => {
      await using up = copy.task("up");
      assertEquals(await up.ended(), 0, up.output());
      await up.line(/^docker-compose.yaml: written anew, for 3 servers and 5 clients/);
      await up.line(/^All bets are stored, and every agency knows its winners/);
      await assertStored(copy.volume, rows);
      assertEquals(await things.left(), []);
    });

    await test.step("containers run without rights, as an ordinary user", async () => {
      // Small packets, so that there is a middle to stop in.
      copy.env.CLI_BATCH_SIZE = "2";
      await using up = copy.task("up");
      await up.line(/^client1 .* action: config/);
      const label = `label=com.docker.compose.project=${copy.composeProject}`;
      const ids = await copy.docker("ps", "--quiet", "--filter", label);
      const format = "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}";
      const found = await copy.docker("inspect", "--format", format, ...ids);
      const user = Deno.uid() || 1000;
      for (const line of found) assertEquals(line, `${user}:${Deno.gid() || 1000} true [ALL]`);
      up.signal("SIGTERM");
      assertEquals(await up.ended(), 143, up.output());
      assertEquals(await things.left(), []);
    });
  },
});
