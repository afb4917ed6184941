/**
 * Everything that the board says, in English and in Spanish. Servers never send words to the page.
 *
 * @module
 */

/** @typedef {import("../state.ts").Happening} Happening */
/** @typedef {import("../state.ts").BoardState} BoardState */
/** @typedef {"en" | "es"} Language */
/** @typedef {ReturnType<typeof english>} Words */

/** Agencies, or servers, that a sentence names; it counts the others. */
const NAMED_MAX = 6;

/**
 * Returns the words of a language.
 *
 * @param {Language} language
 * @returns {Words}
 */
export function wordsOf(language) {
  return language === "es" ? spanish() : english();
}

/**
 * Returns how a language writes numbers, times and lists.
 *
 * @param {Language} language
 */
function formats(language) {
  const locale = language === "es" ? "es" : "en-GB";
  const whole = new Intl.NumberFormat(locale, { useGrouping: "always", maximumFractionDigits: 0 });
  const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "long" });
  const list = new Intl.ListFormat(locale);
  const seconds = (/** @type {number} */ value) => {
    if (value < 60) return `${Math.round(value)} s`;
    if (value < 3600) return `${Math.floor(value / 60)} min`;
    if (value < 86_400) return `${Math.floor(value / 3600)} h`;
    return `${Math.floor(value / 86_400)} d`;
  };
  return {
    count: (/** @type {number} */ value) => whole.format(value),
    time: (/** @type {string | number} */ at) => time.format(new Date(at)),
    moment: (/** @type {string} */ at) => moment.format(new Date(at)),
    seconds,
    milliseconds: (/** @type {number} */ value) => {
      const ms = 1000 * value;
      return `${ms < 10 ? exact.format(ms) : whole.format(ms)} ms`;
    },
    /** @param {readonly (number | string)[]} items @param {(rest: string) => string} others */
    list: (items, others) => {
      const named = items.slice(0, NAMED_MAX).map(String);
      const rest = items.length - named.length;
      return list.format(rest > 0 ? [...named, others(whole.format(rest))] : named);
    },
  };
}

function english() {
  const { count, list, ...others } = formats("en");
  /** @type {(value: number, one: string, many: string) => string} */
  const some = (value, one, many) => `${count(value)} ${value === 1 ? one : many}`;
  const named = (/** @type {readonly (number | string)[]} */ items) =>
    list(items, (rest) => `${rest} others`);
  const agencies = (/** @type {number[]} */ numbers) =>
    `${numbers.length === 1 ? "agency" : "agencies"} ${named(numbers)}`;
  const winners = (/** @type {number} */ value) =>
    value === 0 ? "no winner" : some(value, "winner", "winners");
  return {
    ...others,
    count,
    winners,
    language: "en",
    otherLanguage: "Español",
    title: "National Lottery",
    skipLink: "Skip to the agencies",
    dark: "Dark",
    light: "Light",
    live: "Live",
    connecting: "Connecting",
    lost: (/** @type {string} */ since) =>
      `No connection to the board since ${since}. Trying again…`,
    bets: "Bets stored",
    expected: (/** @type {number} */ bets) => `of ${count(bets)}`,
    rate: "Per second",
    minute: "Last minute",
    peak: (/** @type {number} */ rate) => `peak ${count(rate)}`,
    chart: (/** @type {number} */ now, /** @type {number} */ peak) =>
      `Bets per second in the last minute: now ${count(now)}, at most ${count(peak)}`,
    number: "Winning number",
    notDrawn: "not drawn yet",
    agencies: "Agencies",
    agency: "Agency",
    closedOf: (/** @type {number} */ closed, /** @type {number} */ all) =>
      `${count(closed)} of ${count(all)} closed`,
    perSecond: (/** @type {number} */ rate) => `${count(rate)}/s`,
    states: { betting: "betting", awaited: "awaited", closed: "closed", drawn: "closed" },
    tile: (
      /** @type {{ agency: number, bets: number, rate: number, state: string }} */
      { agency, bets, rate, state },
    ) => `Agency ${agency}: ${some(bets, "bet", "bets")}, ${count(rate)} a second, ${state}`,
    outcome: (/** @type {number} */ agency, /** @type {number} */ value) =>
      `Agency ${agency}: ${winners(value)}`,
    among: (/** @type {number} */ bets) => `among ${some(bets, "bet", "bets")}`,
    servers: "Servers",
    server: "Server",
    serverColumns: { connections: "Conn.", sync: "Sync", uptime: "Up for" },
    serverColumnsLong: {
      connections: "Connections, those that wait for the draw included",
      sync: "Time in which 95 of 100 syncs of the last minute were done",
      uptime: "Time since its start",
    },
    serverStates: {
      up: "up",
      starting: "starting",
      stopping: "stopping",
      unready: "not ready",
      dead: "no answer",
      stopped: "stopped",
    },
    upOf: (/** @type {number} */ up, /** @type {number} */ all) =>
      `${count(up)} of ${count(all)} up`,
    noServers: "No server has been found yet.",
    events: "What happened",
    certificate: "Certificate of this draw",
    replay: "Show the draw again",
    skip: "Skip",
    toWinners: "To the winners",
    drawing: "The draw",
    lotteryId: (/** @type {string} */ id) => `Lottery ${id}`,
    phase: (/** @type {Phase} */ phase) => {
      switch (phase.kind) {
        case "nothing":
          return "Waiting for the servers";
        case "silent":
          return "No server answers";
        case "starting":
          return "The servers are starting";
        case "open":
          return `Bets are open: ${count(phase.bets)} stored, ${
            phase.closed === 0
              ? "no agency closed"
              : `${count(phase.closed)} of ${count(phase.agencies)} agencies closed`
          }`;
        case "awaited":
          return `The draw waits for ${agencies(phase.awaited)}`;
        case "drawing":
          return `All ${count(phase.agencies)} agencies have closed: this is the draw`;
        case "drawn":
          return `Drawn: ${phase.number ?? "–"}${
            phase.winners === null ? "" : `, ${winners(phase.winners)}`
          }`;
      }
    },
    event: (/** @type {Happening} */ event) => {
      switch (event.kind) {
        case "found":
          return event.bets === 0 && event.closed === 0
            ? `The lottery is open to ${some(event.agencies, "agency", "agencies")}`
            : `The lottery goes on: ${some(event.bets, "bet", "bets")}, ${count(event.closed)} of ${
              count(event.agencies)
            } agencies closed`;
        case "closed":
          return `${capital(agencies(event.agencies))} closed`;
        case "drawn":
          return `Draw: number ${event.number ?? "–"}, among ${some(event.bets, "bet", "bets")}`;
        case "recorded":
          return `Record written: ${winners(event.winners)}`;
        case "up":
          return `${named(event.servers)} ${event.servers.length === 1 ? "is" : "are"} up`;
        case "dead":
          return `${named(event.servers)} ${event.servers.length === 1 ? "does" : "do"} not answer`;
        case "back":
          return `${event.server} is back after ${others.seconds(event.seconds)}`;
        case "unready":
          return `${event.server} is not ready: ${event.reason}`;
        case "ready":
          return `${event.server} is ready again`;
        case "stopped":
          return `${named(event.servers)} stopped after the draw`;
      }
    },
    certificatePage: {
      heading: "Certificate of a draw",
      back: "Back to the board",
      none: "There is no record of this draw.",
      unreadable: "The record of this draw cannot be read.",
      drawnAt: "Drawn on",
      winners: "Winners",
      documents: "Documents of the winners",
      others: (/** @type {number} */ value) => `and ${some(value, "other", "others")}`,
      masked: "The record on the volume has all documents whole.",
    },
  };
}

/** @returns {Words} */
function spanish() {
  const { count, list, ...others } = formats("es");
  /** @type {(value: number, one: string, many: string) => string} */
  const some = (value, one, many) => `${count(value)} ${value === 1 ? one : many}`;
  const named = (/** @type {readonly (number | string)[]} */ items) =>
    list(items, (rest) => `otros ${rest}`);
  const agencies = (/** @type {number[]} */ numbers) =>
    `${numbers.length === 1 ? "la agencia" : "las agencias"} ${
      list(numbers, (rest) => `otras ${rest}`)
    }`;
  const winners = (/** @type {number} */ value) =>
    value === 0 ? "sin ganadores" : some(value, "ganador", "ganadores");
  return {
    ...others,
    count,
    winners,
    language: "es",
    otherLanguage: "English",
    title: "Lotería Nacional",
    skipLink: "Ir a las agencias",
    dark: "Oscuro",
    light: "Claro",
    live: "En vivo",
    connecting: "Conectando",
    lost: (since) => `Sin conexión con el tablero desde las ${since}. Reintentando…`,
    bets: "Apuestas guardadas",
    expected: (bets) => `de ${count(bets)}`,
    rate: "Por segundo",
    minute: "Último minuto",
    peak: (rate) => `máx. ${count(rate)}`,
    chart: (now, peak) =>
      `Apuestas por segundo en el último minuto: ahora ${count(now)}, como máximo ${count(peak)}`,
    number: "Número ganador",
    notDrawn: "aún sin sortear",
    agencies: "Agencias",
    agency: "Agencia",
    closedOf: (closed, all) => `${count(closed)} de ${count(all)} cerradas`,
    perSecond: (rate) => `${count(rate)}/s`,
    states: { betting: "apostando", awaited: "se la espera", closed: "cerrada", drawn: "cerrada" },
    tile: ({ agency, bets, rate, state }) =>
      `Agencia ${agency}: ${some(bets, "apuesta", "apuestas")}, ${
        count(rate)
      } por segundo, ${state}`,
    outcome: (agency, value) => `Agencia ${agency}: ${winners(value)}`,
    among: (bets) => `entre ${some(bets, "apuesta", "apuestas")}`,
    servers: "Servidores",
    server: "Servidor",
    serverColumns: { connections: "Conex.", sync: "Sinc.", uptime: "Activo" },
    serverColumnsLong: {
      connections: "Conexiones, incluidas las que esperan el sorteo",
      sync: "Tiempo en el que terminaron 95 de cada 100 sincronizaciones del último minuto",
      uptime: "Tiempo desde que arrancó",
    },
    serverStates: {
      up: "activo",
      starting: "arrancando",
      stopping: "deteniéndose",
      unready: "no está listo",
      dead: "no responde",
      stopped: "detenido",
    },
    upOf: (up, all) => `${count(up)} de ${count(all)} activos`,
    noServers: "Todavía no se encontró ningún servidor.",
    events: "Qué pasó",
    certificate: "Certificado de este sorteo",
    replay: "Ver el sorteo otra vez",
    skip: "Saltar",
    toWinners: "A los ganadores",
    drawing: "El sorteo",
    lotteryId: (id) => `Lotería ${id}`,
    phase: (phase) => {
      switch (phase.kind) {
        case "nothing":
          return "Esperando a los servidores";
        case "silent":
          return "Ningún servidor responde";
        case "starting":
          return "Los servidores están arrancando";
        case "open":
          return `Apuestas abiertas: ${count(phase.bets)} guardadas, ${
            phase.closed === 0
              ? "ninguna agencia cerrada"
              : `${count(phase.closed)} de ${count(phase.agencies)} agencias cerradas`
          }`;
        case "awaited":
          return `El sorteo espera a ${agencies(phase.awaited)}`;
        case "drawing":
          return `Cerraron las ${count(phase.agencies)} agencias: este es el sorteo`;
        case "drawn":
          return `Salió el ${phase.number ?? "–"}${
            phase.winners === null ? "" : `: ${winners(phase.winners)}`
          }`;
      }
    },
    event: (event) => {
      switch (event.kind) {
        case "found":
          return event.bets === 0 && event.closed === 0
            ? `La lotería está abierta para ${some(event.agencies, "agencia", "agencias")}`
            : `La lotería sigue: ${some(event.bets, "apuesta", "apuestas")}, ${
              count(event.closed)
            } de ${count(event.agencies)} agencias cerradas`;
        case "closed":
          return event.agencies.length === 1
            ? `${capital(agencies(event.agencies))} cerró`
            : `${capital(agencies(event.agencies))} cerraron`;
        case "drawn":
          return `Sorteo: número ${event.number ?? "–"}, entre ${
            some(event.bets, "apuesta", "apuestas")
          }`;
        case "recorded":
          return `Acta escrita: ${winners(event.winners)}`;
        case "up":
          return `${named(event.servers)} ${
            event.servers.length === 1 ? "está activo" : "están activos"
          }`;
        case "dead":
          return `${named(event.servers)} no ${
            event.servers.length === 1 ? "responde" : "responden"
          }`;
        case "back":
          return `${event.server} volvió después de ${others.seconds(event.seconds)}`;
        case "unready":
          return `${event.server} no está listo: ${event.reason}`;
        case "ready":
          return `${event.server} está listo otra vez`;
        case "stopped":
          return `${named(event.servers)} ${
            event.servers.length === 1 ? "se detuvo" : "se detuvieron"
          } después del sorteo`;
      }
    },
    certificatePage: {
      heading: "Certificado de un sorteo",
      back: "Volver al tablero",
      none: "No hay acta de este sorteo.",
      unreadable: "El acta de este sorteo no se puede leer.",
      drawnAt: "Sorteado el",
      winners: "Ganadores",
      documents: "Documentos de los ganadores",
      others: (value) => `y ${some(value, "más", "más")}`,
      masked: "El acta en el volumen tiene todos los documentos completos.",
    },
  };
}

/**
 * What the large sentence says.
 *
 * @typedef {{ kind: "nothing" | "silent" | "starting" }
 *   | { kind: "open", bets: number, closed: number, agencies: number }
 *   | { kind: "awaited", awaited: number[] }
 *   | { kind: "drawing", agencies: number }
 *   | { kind: "drawn", number: number | null, winners: number | null }} Phase
 */

/**
 * Decides what the large sentence says. The draw waits for agencies when nothing else happens any more.
 *
 * @param {BoardState} state
 * @param {{ isDrawing: boolean, winners: number | null }} draw
 * @returns {Phase}
 */
export function phaseOf({ lottery, servers, agencies, bets, betsPerSecond, waitingFor }, draw) {
  const answers = servers.some(({ mark }) => mark === "up" || mark === "busy");
  if (lottery === null) {
    return { kind: servers.length === 0 ? "nothing" : answers ? "starting" : "silent" };
  }
  if (lottery.phase === "drawn") {
    return draw.isDrawing
      ? { kind: "drawing", agencies: agencies.length }
      : { kind: "drawn", number: lottery.winningNumber, winners: draw.winners };
  }
  if (!answers) return { kind: "silent" };
  const closed = agencies.length - waitingFor.length;
  const isQuiet = betsPerSecond !== null && betsPerSecond < 1;
  return closed > 0 && isQuiet
    ? { kind: "awaited", awaited: waitingFor }
    : { kind: "open", bets, closed, agencies: agencies.length };
}

/** @param {string} text */
function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
