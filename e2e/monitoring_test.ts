import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { parse, stringify } from "@std/yaml";
import { needs, type Resource } from "../testing/needs.ts";
import { freePort } from "../testing/ports.ts";
import { Program } from "../testing/program.ts";
import { ServerGroup } from "../testing/servers.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { tableRows } from "../docs/testing.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { prometheusConfig } from "../tools/run/compose_watchers.ts";

/** A program of Prometheus, which must be on the PATH. */
function program(name: string): Resource {
  return {
    description: name,
    isPresent: () => {
      try {
        return new Deno.Command(name, { args: ["--version"] }).outputSync().success;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
    },
  };
}

const PROMTOOL = program("promtool");

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
    // In the container the rules are elsewhere.
    const rules = text.replace("/etc/prometheus/", `${PROJECT_ROOT}/monitoring/`);
    assertNotEquals(rules, text);
    await Deno.writeTextFile(`${folder.path}/prometheus.yaml`, rules);
    await check("check", "config", `${folder.path}/prometheus.yaml`);
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

/** Asks Prometheus until its answer is as expected. */
async function untilAnswer(url: string, isExpected: (data: Answer) => boolean): Promise<void> {
  let last: unknown;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const { data } = last = await (await fetch(url)).json();
    if (isExpected(data)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} still answers ${JSON.stringify(last)}`);
}

/** Prometheus is asked for a minute. */
const ATTEMPTS_MAX = 600;

/** What Prometheus answers: the values of a query, or its rules. */
interface Answer {
  result: { value: [number, string] }[];
  groups: { rules: { name: string; health: string; state: string }[] }[];
}

Deno.test({
  ...needs(
    ["run", "write", "env", "net", program("prometheus"), PROMTOOL],
    "Prometheus scrapes a run, and its rules notice that no server answers",
  ),
  fn: async () => {
    await using group = await ServerGroup.start({ servers: 2, agencies: 2, hasStatus: true });
    await using folder = tempFolder();
    const targets = group.servers.map(({ statusPort }) => `127.0.0.1:${statusPort}`);
    const config = {
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [`${PROJECT_ROOT}/monitoring/alerts.yaml`],
      scrape_configs: [{ job_name: "lottery", static_configs: [{ targets }] }],
    };
    await Deno.writeTextFile(`${folder.path}/prometheus.yaml`, stringify(config));
    const port = freePort("tcp");
    await using prometheus = new Program({
      name: "prometheus",
      command: "prometheus",
      args: [
        `--config.file=${folder.path}/prometheus.yaml`,
        `--storage.tsdb.path=${folder.path}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
    });
    await prometheus.line(/Server is ready to receive web requests/);
    const api = `http://127.0.0.1:${port}/api/v1`;
    const valuesOf = ({ result }: Answer) => result.map(({ value }) => value[1]).join();
    await untilAnswer(`${api}/query?query=up`, (data) => valuesOf(data) === "1,1");
    const metrics = "max(lottery_agencies) + min(lottery_volume_free_bytes > bool 0)";
    await untilAnswer(
      `${api}/query?query=${encodeURIComponent(metrics)}`,
      (data) => valuesOf(data) === "3",
    );
    await Deno.writeTextFile(
      `${folder.path}/metrics`,
      (await group.servers[0].status("/metrics")).text,
    );
    const shell = {
      command: "sh",
      args: ["-c", 'promtool check metrics < "$0"', `${folder.path}/metrics`],
    };
    await using promtool = new Program({ name: "promtool", ...shell });
    assertEquals(await promtool.ended(), 0, promtool.output());
    await group.kill();
    await untilAnswer(`${api}/query?query=up`, (data) => valuesOf(data) === "0,0");
    await untilAnswer(`${api}/rules`, ({ groups: [{ rules }] }) => {
      const down = rules.find(({ name }) => name === "LotteryDown")!;
      return rules.every(({ health }) => health === "ok") && down.state === "pending";
    });
  },
});
