import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { phaseOf, wordsOf } from "./page/words.js";
import type { Happening } from "./state.ts";

const [english, spanish] = [wordsOf("en"), wordsOf("es")];

const HAPPENINGS: Happening[] = [
  { kind: "found", agencies: 5, closed: 0, bets: 0 },
  { kind: "found", agencies: 5, closed: 2, bets: 1234 },
  { kind: "closed", agencies: [4] },
  { kind: "closed", agencies: [1, 2, 3, 4, 5, 6, 7, 8] },
  { kind: "drawn", number: 7574, bets: 12_345 },
  { kind: "recorded", winners: 1 },
  { kind: "up", servers: ["server1", "server2"] },
  { kind: "dead", servers: ["server3"] },
  { kind: "back", server: "server3", seconds: 2.4 },
  { kind: "unready", server: "server3", reason: "the disk is full" },
  { kind: "ready", server: "server3" },
  { kind: "stopped", servers: ["server1"] },
];

Deno.test("words say every event in English and in Spanish", () => {
  assertEquals(HAPPENINGS.map((happening) => english.event(happening)), [
    "The lottery is open to 5 agencies",
    "The lottery goes on: 1,234 bets, 2 of 5 agencies closed",
    "Agency 4 closed",
    "Agencies 1, 2, 3, 4, 5, 6 and 2 others closed",
    "Draw: number 7574, among 12,345 bets",
    "Record written: 1 winner",
    "server1 and server2 are up",
    "server3 does not answer",
    "server3 is back after 2 s",
    "server3 is not ready: the disk is full",
    "server3 is ready again",
    "server1 stopped after the draw",
  ]);
  assertEquals(HAPPENINGS.map((happening) => spanish.event(happening)), [
    "La lotería está abierta para 5 agencias",
    "La lotería sigue: 1.234 apuestas, 2 de 5 agencias cerradas",
    "La agencia 4 cerró",
    "Las agencias 1, 2, 3, 4, 5, 6 y otras 2 cerraron",
    "Sorteo: número 7574, entre 12.345 apuestas",
    "Acta escrita: 1 ganador",
    "server1 y server2 están activos",
    "server3 no responde",
    "server3 volvió después de 2 s",
    "server3 no está listo: the disk is full",
    "server3 está listo otra vez",
    "server1 se detuvo después del sorteo",
  ]);
});

Deno.test("words are translated, every one", () => {
  const same = ["title", "language", "perSecond"];
  for (const [name, word] of Object.entries(english)) {
    const other = spanish[name as keyof typeof spanish];
    assertEquals(typeof other, typeof word, name);
    if (typeof word === "string" && !same.includes(name)) assertNotEquals(other, word, name);
  }
});

/** A state of the board, as far as the large sentence depends on it. */
function stateOf(changes: object) {
  return {
    lottery: { id: "a", createdAt: null, phase: "betting", winningNumber: null },
    servers: [{ mark: "up" }],
    agencies: [{}, {}, {}],
    bets: 1234,
    betsPerSecond: 100,
    waitingFor: [1, 2, 3],
    ...changes,
  } as unknown as Parameters<typeof phaseOf>[0];
}

Deno.test("phaseOf() decides what the large sentence says", () => {
  const none = { isDrawing: false, winners: null };
  const say = (changes: object, draw: Parameters<typeof phaseOf>[1] = none) =>
    [english, spanish].map((words) => words.phase(phaseOf(stateOf(changes), draw)));
  const nothing = { lottery: null, servers: [] };
  assertEquals(say(nothing), ["Waiting for the servers", "Esperando a los servidores"]);
  const starting = { lottery: null, servers: [{ mark: "busy" }] };
  assertEquals(say(starting)[0], "The servers are starting");
  assertEquals(say({ servers: [{ mark: "dead" }] })[0], "No server answers");
  assertEquals(say({}), [
    "Bets are open: 1,234 stored, no agency closed",
    "Apuestas abiertas: 1.234 guardadas, ninguna agencia cerrada",
  ]);
  const lottery = { phase: "waiting" };
  assertEquals(
    say({ lottery, waitingFor: [2, 3] })[0],
    "Bets are open: 1,234 stored, 1 of 3 agencies closed",
  );
  assertEquals(say({ lottery, waitingFor: [2, 3], betsPerSecond: 0 }), [
    "The draw waits for agencies 2 and 3",
    "El sorteo espera a las agencias 2 y 3",
  ]);
  const drawn = { lottery: { phase: "drawn", winningNumber: 7574 }, waitingFor: [], servers: [] };
  const rolling = say(drawn, { isDrawing: true, winners: 10 });
  assert(rolling.every((sentence) => !/7574|10/.test(sentence)), rolling.join());
  assertEquals(say(drawn), ["Drawn: 7574", "Salió el 7574"]);
  assertEquals(say(drawn, { isDrawing: false, winners: 10 }), [
    "Drawn: 7574, 10 winners",
    "Salió el 7574: 10 ganadores",
  ]);
});
