import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { needs, type Resource } from "../testing/needs.ts";
import { Program } from "../testing/program.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { tableRows } from "../docs/testing.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { prometheusConfig } from "../tools/run/compose_watchers.ts";

const PROMTOOL: Resource = {
  description: "promtool",
  isPresent: () => {
    try {
      return new Deno.Command("promtool", { args: ["--version"] }).outputSync().success;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  },
};

/** Runs promtool, which must find nothing wrong. */
async function check(...args: string[]): Promise<void> {
  await using promtool = new Program({ name: "promtool", command: "promtool", args });
  assertEquals(await promtool.ended(), 0, promtool.output());
}

Deno.test({
  ...needs(
    ["run", "write", "env", PROMTOOL],
    "promtool accepts the alerts, and each fires when it should",
  ),
  fn: async () => {
    await check("check", "rules", "monitoring/alerts.yaml");
    await check("test", "rules", "monitoring/alerts_test.yaml");
  },
});

Deno.test({
  ...needs(["run", "write", "env", PROMTOOL], "promtool accepts prometheusConfig()"),
  fn: async () => {
    await using folder = tempFolder();
    const text = prometheusConfig({ serverName: "lottery-server", statusPort: 12346 });
    assertStringIncludes(text, 'names: ["lottery-server"]');
    await Deno.writeTextFile(`${folder.path}/prometheus.yaml`, text);
    await check("check", "config", "--syntax-only", `${folder.path}/prometheus.yaml`);
  },
});

Deno.test("monitoring/alerts.yaml uses metrics that servers have, and is tested whole", async () => {
  const read = (path: string) => Deno.readTextFile(`${PROJECT_ROOT}/${path}`);
  const { groups: [{ rules }] } = parse(await read("monitoring/alerts.yaml")) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const metrics = tableRows(await read("docs/status.md"), "status:metrics").map(([name]) => name);
  const tests = await read("monitoring/alerts_test.yaml");
  for (const { alert, expr } of rules) {
    for (const [name] of expr.matchAll(/lottery_\w+/g)) {
      const metric = name.replace(/_bucket$/, "");
      assert(metrics.includes(metric), `${alert}: there is no metric ${name}`);
    }
    assertStringIncludes(tests, `alertname="${alert}"`);
  }
});
