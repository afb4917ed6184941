import { assertEquals } from "@std/assert";
import { parseAction } from "./log_lines.ts";

Deno.test("parseAction() returns the fields of an action", () => {
  const line =
    "2026-11-23 10:00:00 INFO     action: consulta_ganadores | result: success | agency: 5 | cant_ganadores: 0 | documentos: ";
  assertEquals(parseAction(line), {
    action: "consulta_ganadores",
    result: "success",
    agency: "5",
    cant_ganadores: "0",
    documentos: "",
  });
});

Deno.test("parseAction() returns the fields of an action in JSON", () => {
  const line =
    '{"time":"2026-11-23T10:00:00.000Z","level":"INFO","action":"listen","result":"success","port":12345}';
  const { action, result, port } = parseAction(line)!;
  assertEquals([action, result, port], ["listen", "success", "12345"]);
});

Deno.test("parseAction() returns undefined for other lines", () => {
  assertEquals(parseAction("error: Uncaught"), undefined);
  assertEquals(parseAction("action: half"), undefined);
  assertEquals(parseAction('{"action":"half"}'), undefined);
  assertEquals(parseAction('{"action":"torn","resu'), undefined);
});
