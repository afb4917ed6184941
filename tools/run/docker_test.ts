import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { PROJECT_ROOT } from "../project.ts";
import { needs } from "../../testing/needs.ts";
import { tempFolder } from "../../testing/temp_folder.ts";
import { ComposeProject, composeProjectName } from "./docker.ts";

const NO_ENVIRONMENT = { environment: () => undefined };

Deno.test({
  ...needs(
    ["write"],
    "composeProjectName() follows from the path of the checkout, whatever its name",
  ),
  fn: async () => {
    await using folder = await tempFolder();
    const names = ["one/lottery", "two/lottery", "Ñandú $HOME, 'x'", "-", "-_.", "X".repeat(200)];
    const found = new Set<string>();
    for (const name of names) {
      const root = `${folder.path}/${name}`;
      await Deno.mkdir(root, { recursive: true });
      const project = composeProjectName({ root, ...NO_ENVIRONMENT });
      // What Docker accepts as the name of a project, of an image and of a network.
      assertMatch(project, /^lottery-[0-9a-f]{8}$/);
      assertEquals(
        composeProjectName({ root: `${root}/../${name.split("/").at(-1)}`, ...NO_ENVIRONMENT }),
        project,
      );
      found.add(project);
    }
    assertEquals(found.size, names.length);
    await Deno.symlink(`${folder.path}/one/lottery`, `${folder.path}/link`);
    const [linked, real] = ["link", "one/lottery"].map((name) =>
      composeProjectName({ root: `${folder.path}/${name}`, ...NO_ENVIRONMENT })
    );
    assertEquals(linked, real, "a link leads to the same checkout");
  },
});

Deno.test({
  ...needs(["write"], "composeProjectName() prefers the environment, then .env, to the path"),
  fn: async () => {
    await using folder = await tempFolder();
    const root = folder.path;
    const derived = composeProjectName({ root, ...NO_ENVIRONMENT });
    await Deno.writeTextFile(`${root}/.env`, "CLIENTS=5\nCOMPOSE_PROJECT_NAME='mine'\n");
    assertEquals(composeProjectName({ root, ...NO_ENVIRONMENT }), "mine");
    assertEquals(composeProjectName({ root, environment: () => "other" }), "other");
    assertEquals(composeProjectName({ root, environment: () => " " }), "mine");
    assertNotEquals(derived, "mine");
  },
});

Deno.test("ComposeProject.command() names the project, whatever it does", () => {
  for (const args of [["up"], ["down"], ["logs", "--follow"], ["build"], ["events", "--json"]]) {
    const { env, cwd } = new ComposeProject({ DATASET: "x" }).command(args);
    assertEquals(env.COMPOSE_PROJECT_NAME, composeProjectName());
    assertEquals([env.DATASET, cwd], ["x", PROJECT_ROOT]);
  }
  const other = new ComposeProject({}, "other").command(["down"]);
  assertEquals(other.env.COMPOSE_PROJECT_NAME, "other");
});
