import { assertEquals } from "@std/assert";
import { LogExtract } from "./log_extract.ts";

const at = (second: number) => `2026-11-27 10:00:0${second}`;

Deno.test("LogExtract.lines() returns the last errors, each once, and not those of stopping", () => {
  const log = new LogExtract();
  log.add("server1", `${at(0)} INFO     action: listen | result: success`);
  log.add("server1", `${at(0)} ERROR    action: a | result: fail`);
  log.add("server2", `${at(1)} ERROR    action: b | result: fail | error: no space`);
  log.add("server2", `${at(2)} ERROR    action: b | result: fail | error: no space`);
  log.add("client1", `{"level":"FATAL","action":"c","result":"fail"}`);
  log.add("client2", `${at(2)} WARN     action: connect | result: fail`);
  log.add("docker", "Error: no such image");
  log.add("client1", `${at(3)} INFO     action: d | result: success`);
  log.close();
  log.add("server1", `${at(4)} ERROR    action: stop | result: fail`);
  assertEquals(log.lines(["server1"]), [
    `server2 | ${at(2)} ERROR    action: b | result: fail | error: no space`,
    `client1 | {"level":"FATAL","action":"c","result":"fail"}`,
    "docker | Error: no such image",
  ]);
});

Deno.test("LogExtract.lines() prefers the last words of what has failed to what was handled", () => {
  const log = new LogExtract();
  const failure = `${at(1)} WARN     action: connect | result: fail`;
  log.add("client1", failure);
  log.add("client5", `${at(2)} INFO     action: config | result: success`);
  assertEquals(log.lines(), [`client1 | ${failure}`]);
  assertEquals(log.lines(["client5"]), [
    `client5 | ${at(2)} INFO     action: config | result: success`,
  ]);
});

Deno.test("LogExtract.lines() returns the last lines if none reports a failure", () => {
  const log = new LogExtract();
  for (const line of ["1", "2", "", "3", "4"]) log.add("client1", line);
  assertEquals(log.lines(), ["client1 | 2", "client1 | 3", "client1 | 4"]);
});
