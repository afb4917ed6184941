import { assertEquals, assertStringIncludes } from "@std/assert";
import { NatsCluster } from "../testing/nats_cluster.ts";
import { needs } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { PROJECT_ROOT } from "../tools/project.ts";
import { assertStored, readBets, sampleBets } from "./bets.ts";
import { ProjectCopy } from "./project_copy.ts";

/** Runs the commands of docs/operations.md that make certificates, for names of this machine. */
async function makeCertificates(folder: string): Promise<void> {
  const document = await Deno.readTextFile(`${PROJECT_ROOT}/docs/operations.md`);
  const [, written] = /^```sh certificates\n([^]*?)^```$/m.exec(document)!;
  const script = written.replace("host1 host2 host3", "localhost")
    .replace("DNS:$host", "DNS:$host,IP:127.0.0.1");
  const sh = new Deno.Command("sh", { args: ["-ec", script], cwd: folder });
  const { success, stderr } = await sh.output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
}

Deno.test({
  ...needs(
    ["posix", "run", "net", "read", "write", "env", "natsServer", "openssl"],
    "the nodes of docs/operations.md, with its certificates and its user, serve a whole lottery",
  ),
  fn: async () => {
    await using folder = tempFolder();
    await makeCertificates(folder.path);
    const tls = {
      cert: `${folder.path}/localhost.pem`,
      key: `${folder.path}/localhost-key.pem`,
      ca: `${folder.path}/ca.pem`,
    };
    const user = { name: "lottery", password: "a long password" };
    await using cluster = await NatsCluster.start({ config: { tls, clusterTls: tls, user } });
    await using bets = await sampleBets({ agencies: 2, bets: 4000 });
    await using copy = await ProjectCopy.make({ clients: 2, servers: 2, dataset: bets.path });
    const settings = [
      `LEDGER = tls://${cluster.addresses.join(",")}`,
      `LEDGER_TLS_CA = ${tls.ca}`,
      `LEDGER_USER = ${user.name}`,
      `LEDGER_PASSWORD = ${user.password}`,
    ];
    await copy.edit("server/config.ini", [/^\[DEFAULT\]$/m, ["[DEFAULT]", ...settings].join("\n")]);
    await copy.edit(".env", [/^LEDGER=.*/m, `LEDGER=tls://${cluster.addresses.join(",")}`]);

    await using up = copy.task("up", "--local");
    assertEquals(await up.ended(120_000), 0, up.output());
    await up.line(/^All bets are stored, and every agency knows its winners$/);
    await using exporting = copy.task("export", "--to", `${folder.path}/export`);
    assertEquals(await exporting.ended(120_000), 0, exporting.output());
    await assertStored(`${folder.path}/export`, await readBets(bets));

    copy.env.LEDGER_PASSWORD = "another password";
    await using refused = copy.task("check");
    assertEquals(await refused.ended(120_000), 1, refused.output());
    assertStringIncludes(refused.output(), "does not accept this server");
    assertStringIncludes(refused.output(), "LEDGER_USER and LEDGER_PASSWORD");
  },
});
