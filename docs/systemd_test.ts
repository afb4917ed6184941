import { assert, assertEquals } from "@std/assert";
import { needs, type Resource } from "../testing/needs.ts";
import { tempFolder } from "../testing/temp_folder.ts";
import { boardPermissions, serverFlags } from "../tools/run/permissions.ts";
import { filesBelow, readProjectFile } from "./testing.ts";

const FOLDER = "docs/systemd";
const UNITS = filesBelow(`${FOLDER}/`).filter((path) => path.endsWith(".service"));
const SYSTEMD: Resource = {
  description: "systemd-analyze",
  isPresent: () => {
    try {
      return new Deno.Command("systemd-analyze", { args: ["--version"] }).outputSync().success;
    } catch {
      return false;
    }
  },
};
/** The exposure that `systemd-analyze security` may find, of 100. Units without any hardening have 96. */
const EXPOSURE_MAX = 15;

function unitOf(name: string): string {
  return readProjectFile(`${FOLDER}/${name}.service`);
}

/** Returns the flags of Deno in a unit, from `--no-prompt` on. */
function flagsOf(unit: string): string[] {
  const [, command] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit)!;
  const words = command.replaceAll("\\\n", " ").trim().split(/ +/);
  return words.slice(words.indexOf("--quiet") + 1, -1);
}

async function analyze(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test({
  ...needs(["run", "write", "env", SYSTEMD], "systemd accepts the units of docs/systemd"),
  fn: async () => {
    await using folder = tempFolder();
    assert(UNITS.length >= 4, UNITS.join());
    for (const path of UNITS) {
      const name = path.slice(FOLDER.length + 1);
      const file = `${folder.path}/${name}`;
      // systemd looks for the programs, which need not be where the units expect them.
      const unit = readProjectFile(path)
        .replace("/usr/local/bin/deno", Deno.execPath())
        .replace("/usr/local/bin/nats-server", Deno.execPath());
      await Deno.writeTextFile(file, unit);
      const verified = await analyze("verify", "--man=no", file.replace("@.", "@1."));
      assertEquals(verified, { code: 0, text: "" }, name);
      if (!name.startsWith("lottery-server") && name !== "lottery-board.service") continue;
      const threshold = `--threshold=${EXPOSURE_MAX}`;
      const security = await analyze("security", "--offline=true", "--no-pager", threshold, file);
      assertEquals(security.code, 0, security.text);
    }
  },
});

Deno.test("the units of docs/systemd give servers and the board the permissions that they need", () => {
  const flagsAt = (ip: string) =>
    serverFlags({
      config: "/etc/lottery/server.ini",
      sharedVolume: "/var/lib/lottery",
      network: {
        listenIp: "0.0.0.0",
        port: 12345,
        broadcastIp: "127.255.255.255",
        broadcastPort: 5000,
        status: { ip, port: 12346 },
      },
    });
  assertEquals(flagsOf(unitOf("lottery-server")), flagsAt("127.0.0.1"));
  assertEquals(flagsOf(unitOf("lottery-server@")), flagsAt("127.0.0.%i"));
  const boardFlags = boardPermissions({
    ip: "127.0.0.1",
    port: 8080,
    servers: ["127.0.0.0/8:12346"],
    read: ["/opt/lottery/board/page", "/var/lib/lottery/draws"],
  });
  assertEquals(flagsOf(unitOf("lottery-board")), boardFlags);
});

Deno.test({
  ...needs(
    ["run", "write", "env", "posix"],
    "docs/operations.md makes units of a second lottery, which share nothing with the first",
  ),
  fn: async () => {
    await using folder = tempFolder();
    for (const path of UNITS) {
      const name = path.slice(FOLDER.length + 1);
      await Deno.writeTextFile(`${folder.path}/${name}`, readProjectFile(path));
    }
    const document = readProjectFile("docs/operations.md");
    const [script] = /^for unit in lottery-server [^]*?^done$/m.exec(document)!;
    const sh = new Deno.Command("sh", { args: ["-ec", script], cwd: folder.path });
    assertEquals((await sh.output()).code, 0);
    const north = (name: string) => Deno.readTextFile(`${folder.path}/north-${name}.service`);
    const network = {
      listenIp: "0.0.0.0",
      port: 13345,
      broadcastIp: "127.255.255.255",
      broadcastPort: 5001,
      status: { ip: "127.0.0.%i", port: 13346 },
    };
    const paths = { config: "/etc/north/server.ini", sharedVolume: "/var/lib/north" };
    assertEquals(flagsOf(await north("server@")), serverFlags({ ...paths, network }));
    for (const name of ["server", "server@", "board"]) {
      const lines = (await north(name)).split("\n").filter((line) => /^[A-Z]\w+=/.test(line));
      const shared = /lottery|12345|12346|\b5000\b|8080/;
      const apart = lines.filter((line) => !/^(Description|Documentation|.*\/opt\/)/.test(line));
      assertEquals(apart.filter((line) => shared.test(line)), []);
      assert(lines.includes("User=north"), name);
    }
  },
});

Deno.test("the unit of one server and that of several differ only where they must", () => {
  const settingsOf = (name: string) =>
    unitOf(name).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const several = settingsOf("lottery-server@")
    .filter((line) => line !== "Environment=SERVER_REUSE_PORT=true")
    .map((line) => line.replaceAll("127.0.0.%i", "127.0.0.1").replace("Server %i", "Server"));
  assertEquals(several, settingsOf("lottery-server"));
});

Deno.test("server/config.ini has the ports of the units of docs/systemd", () => {
  const config = readProjectFile("server/config.ini");
  assert(/^SERVER_PORT = 12345$/m.test(config) && /^UDP_BROADCAST_PORT = 5000$/m.test(config));
});

Deno.test("docs/operations.md names every unit", () => {
  const document = readProjectFile("docs/operations.md");
  for (const path of UNITS) {
    assert(document.includes(path.slice(FOLDER.length - "systemd".length)), path);
  }
});
