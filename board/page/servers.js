/**
 * The table of servers.
 *
 * @module
 */

import { byId, make, setText } from "./dom.js";

/** @typedef {import("../state.ts").BoardState} BoardState */
/** @typedef {import("../state.ts").MarkedServer} MarkedServer */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {ReturnType<typeof makeRow>} Row */

const body = byId("servers", HTMLTableSectionElement);
const up = byId("up", HTMLElement);
/** With more servers than this, rows are smaller. */
const ROOMY_MAX = 12;

/** Shows the servers, one row each. */
export class Servers {
  /** @type {Row[]} */
  #rows = [];

  /** @param {Words} words */
  translate(words) {
    for (const column of /** @type {const} */ (["connections", "sync", "uptime"])) {
      const title = byId(`${column}-title`, HTMLTableCellElement);
      title.textContent = words.serverColumns[column];
      title.title = words.serverColumnsLong[column];
    }
  }

  /** @param {BoardState} state @param {Words} words */
  show({ servers }, words) {
    while (this.#rows.length > servers.length) this.#rows.pop()?.row.remove();
    while (this.#rows.length < servers.length) {
      const row = makeRow();
      this.#rows.push(row);
      body.append(row.row);
    }
    for (const [index, server] of servers.entries()) showRow(this.#rows[index], server, words);
    body.parentElement?.classList.toggle("many", servers.length > ROOMY_MAX);
    const answering = servers.filter(({ mark }) => mark === "up").length;
    setText(up, servers.length === 0 ? words.noServers : words.upOf(answering, servers.length));
  }
}

function makeRow() {
  const mark = make("span", "mark");
  const name = make("span", "name");
  const state = make("span", "state");
  const cells = Array.from({ length: 3 }, () => make("td"));
  const title = make("th", "", mark, name, " ", state);
  title.scope = "row";
  return { row: make("tr", "", title, ...cells), mark, name, state, cells };
}

/** @param {Row} row @param {MarkedServer} server @param {Words} words */
function showRow({ row, mark, name, state, cells }, server, words) {
  row.dataset.mark = server.mark;
  mark.dataset.mark = server.mark;
  setText(name, server.name);
  setText(state, wordOf(server, words));
  row.title = server.mark === "busy" ? server.reason ?? "" : "";
  const { connections, waiting, syncSeconds, uptimeSeconds } = server;
  setText(cells[0], connections === null ? "–" : words.count(connections + (waiting ?? 0)));
  const isUp = server.mark === "up" || server.mark === "busy";
  setText(cells[1], isUp && syncSeconds !== null ? words.milliseconds(syncSeconds) : "–");
  setText(cells[2], uptimeSeconds === null ? "–" : words.seconds(uptimeSeconds));
}

/** @param {MarkedServer} server @param {Words} words */
function wordOf({ mark, state }, { serverStates }) {
  if (mark !== "busy") return serverStates[mark];
  if (state === "serving") return serverStates.unready;
  return state === "stopping" ? serverStates.stopping : serverStates.starting;
}
