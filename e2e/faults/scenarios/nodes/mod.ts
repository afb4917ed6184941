/**
 * The fault runs with a ledger on the nodes of a real cluster, by name.
 *
 * @module
 */

import { HOSTS, LOOP_DISK, NODES, TMPFS } from "../../requirements.ts";
import type { Scenario } from "../scenario.ts";
import { nodeFullDisk, nodeReplacements } from "./node_disks.ts";
import { followerKills, leaderKills, leaderStops, majorityLosses } from "./node_kills.ts";
import { clientPauses } from "./client_pauses.ts";
import { closeRaces } from "./close_races.ts";
import { lostAnswers } from "./lost_answers.ts";
import { clusterPowerCuts, nodePowerCuts } from "./node_power_cuts.ts";
import { partitions } from "./partitions.ts";
import { nodeServerKills } from "./server_kills.ts";

/** The fault runs by name. */
export const NODE_SCENARIOS: Record<string, Scenario> = {
  "leader-kills": {
    summary: "kill -9 to the leader of a stream, under load",
    count: 1,
    needs: NODES,
    run: leaderKills,
  },
  "follower-kills": {
    summary: "kill -9 to a node that does not lead a stream, under load",
    count: 2,
    needs: NODES,
    run: followerKills,
  },
  "leader-stops": {
    summary: "SIGSTOP to the leader of a stream, SIGCONT once agencies have gone on",
    count: 1,
    needs: NODES,
    run: leaderStops,
  },
  "majority-losses": {
    summary: "kill -9 to two of three nodes, which come back",
    count: 1,
    needs: NODES,
    run: majorityLosses,
  },
  "node-power-cuts": {
    summary: "the power of one node fails; whatever was not synced is lost",
    count: 2,
    needs: [...LOOP_DISK, "natsServer"],
    run: nodePowerCuts,
  },
  "cluster-power-cuts": {
    summary: "the power of all nodes fails at once; whatever was not synced is lost",
    count: 1,
    needs: [...LOOP_DISK, "natsServer"],
    run: clusterPowerCuts,
  },
  "lost-answers": {
    summary: "the network between a server and the nodes loses or delays answers and requests",
    count: 8,
    needs: NODES,
    run: lostAnswers,
  },
  "node-full-disk": {
    summary: "the disk of a node fills up, and has room again later",
    count: 1,
    needs: [...TMPFS, "natsServer"],
    run: nodeFullDisk,
  },
  "node-replacements": {
    summary: "a node is replaced by an empty one of the same name",
    count: 1,
    needs: NODES,
    run: nodeReplacements,
  },
  "close-races": {
    summary: "two servers race bets of an agency against its close",
    count: 20,
    needs: NODES,
    run: closeRaces,
  },
  "node-server-kills": {
    summary: "kill -9 to servers whose ledger is on nodes, under load",
    count: 4,
    needs: NODES,
    run: nodeServerKills,
  },
  "partitions": {
    summary: "the leader of a stream is cut off from the other nodes, with a server on its side",
    count: 1,
    needs: HOSTS,
    run: partitions,
  },
  "client-pauses": {
    summary:
      "the leader of a stream dies while client programs send: they wait, and report no error",
    count: 1,
    needs: NODES,
    run: clientPauses,
  },
};
