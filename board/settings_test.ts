import { assertEquals, assertThrows } from "@std/assert";
import { SettingsError } from "../shared/config.ts";
import { readBoardSettings } from "./settings.ts";

function read(variables: Record<string, string>) {
  return readBoardSettings((name) => variables[name]);
}

function faultsOf(variables: Record<string, string>): readonly string[] {
  const error = assertThrows(() => read({ BOARD_SERVERS: "a:1", ...variables }), SettingsError);
  return error.faults;
}

Deno.test("readBoardSettings() needs only the servers", () => {
  const { draws, ...settings } = read({ BOARD_SERVERS: "server:12346" });
  assertEquals(settings, {
    servers: [{ host: "server", port: 12346 }],
    statusCa: undefined,
    ip: "127.0.0.1",
    port: 8080,
    language: "auto",
    documents: "masked",
    betsExpected: undefined,
    logFormat: "text",
  });
  assertEquals(draws.endsWith("/server/shared-volume/draws"), true, draws);
  const [fault] = faultsOf({ BOARD_SERVERS: "" });
  assertEquals(fault.startsWith("BOARD_SERVERS is missing: say where servers are"), true, fault);
});

Deno.test("readBoardSettings() reads a list of servers, with or without names", () => {
  const { servers } = read({ BOARD_SERVERS: "server1=127.0.0.1:20001, 10.0.0.7:1 ,server:65535" });
  assertEquals(servers, [
    { name: "server1", host: "127.0.0.1", port: 20001 },
    { host: "10.0.0.7", port: 1 },
    { host: "server", port: 65535 },
  ]);
  for (const wrong of ["server", "server:0", "server:65536", "a b:1", "=server:1", "server:1:2"]) {
    const faults = faultsOf({ BOARD_SERVERS: `server:1,${wrong}` });
    assertEquals(faults.length, 1, wrong);
    assertEquals(faults[0].includes(`BOARD_SERVERS has ${JSON.stringify(wrong)}`), true, faults[0]);
  }
});

Deno.test("readBoardSettings() reads how many bets are expected", () => {
  const settings = read({ BOARD_SERVERS: "a:1", BOARD_BETS_EXPECTED: "100,0,25" });
  assertEquals(settings.betsExpected, [100, 0, 25]);
  for (const wrong of ["x", "1,,2", "-1", "1.5"]) {
    assertEquals(faultsOf({ BOARD_BETS_EXPECTED: wrong }).length, 1, wrong);
  }
});

Deno.test("readBoardSettings() names every fault", () => {
  const faults = faultsOf({
    BOARD_PORT: "65536",
    BOARD_IP: "localhost",
    BOARD_LANGUAGE: "fr",
    BOARD_DOCUMENTS: "all",
    LOG_FORMAT: "xml",
  });
  const names = ["BOARD_IP", "BOARD_PORT", "BOARD_LANGUAGE", "BOARD_DOCUMENTS", "LOG_FORMAT"];
  assertEquals(faults.map((fault) => fault.split(" ")[0]), names);
});
