/**
 * The controls of the runs on nodes: the same runs with one protection switched off.
 *
 * @module
 */

import { type Control, testControls } from "./controls.ts";
import { HOSTS, LOOP_DISK, NODES } from "./requirements.ts";
import { lostAnswers } from "./scenarios/nodes/lost_answers.ts";
import { clusterPowerCuts } from "./scenarios/nodes/node_power_cuts.ts";
import { partitions } from "./scenarios/nodes/partitions.ts";

const seed = 7;

const CONTROLS: Control[] = [
  {
    name: "clusterPowerCuts() finds lost bets where nodes do not sync",
    needed: [...LOOP_DISK, "natsServer"],
    run: () => clusterPowerCuts({ seed, count: 1, unsafe: ["no-sync"] }),
    finds: ["lost"],
  },
  {
    name: "lostAnswers() finds duplicates where messages are stored without a condition",
    needed: NODES,
    run: () =>
      lostAnswers({
        seed,
        count: 1,
        kinds: ["lost answers"],
        continueMs: 10_000,
        unsafe: ["no-condition"],
      }),
    finds: ["duplicate"],
  },
  {
    name: "lostAnswers() finds duplicates where servers send again without looking",
    needed: NODES,
    // An agency that asks would be told how many bets are stored. This one relies on answers alone.
    run: () =>
      lostAnswers({
        seed,
        count: 1,
        kinds: ["lost answers"],
        progress: "never asks",
        answerMs: 10_000,
        unsafe: ["no-resolution"],
      }),
    finds: ["duplicate"],
  },
  {
    name: "partitions() finds outdated progress where servers do not confirm it with a mark",
    needed: HOSTS,
    run: () => partitions({ seed, count: 1, unsafe: ["no-marks"], staysWithNode: true }),
    finds: ["lost"],
  },
];

testControls(CONTROLS);
