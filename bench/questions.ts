/**
 * How much is stored while others ask: intake beside ProgressRequests on new connections, as of many clients
 * that reconnect, compared with intake alone.
 *
 * @module
 */

import { tempFolder } from "../testing/temp_folder.ts";
import type { Context } from "./context.ts";
import { MAIN_CASE } from "./intake.ts";
import { QuestionThread } from "./load_thread.ts";
import type { QuestionResult } from "./question_load.ts";
import { type Spread, spreadOf } from "./spread.ts";
import { startLottery } from "./systems.ts";
import { type Contestant, speedRatio, takeTurns, underLoad } from "./turns.ts";

/** How many servers are asked, and how often. */
export interface QuestionsCase {
  servers: number;
  perSecond: number;
}

/** The figures of a case. */
export interface QuestionsFigures extends QuestionsCase {
  connections: number;
  betsPerSecond: Spread;
  /** The speed divided by that without questions, turn by turn. */
  ratio: Spread;
  /** Time from connecting to the answer to a question. */
  answerP50Ms: Spread;
  answerP99Ms: Spread;
}

/** Measures one case: turns of the main load alone, and beside the questions. */
export async function measureQuestions(
  { folder, thread, pace }: Context,
  { servers, perSecond }: QuestionsCase,
): Promise<QuestionsFigures> {
  const { connections } = MAIN_CASE;
  await using volume = tempFolder(folder);
  await using system = await startLottery({ servers, agencies: connections, volume: volume.path });
  using questionThread = new QuestionThread();
  const alone = underLoad(thread, system, { ...MAIN_CASE, firstAgency: 1 });
  const asked: QuestionResult[] = [];
  const beside: Contestant = {
    system,
    run: async (seconds) => {
      const order = { ports: system.ports, agency: 1, perSecond, seconds };
      const [stored, answered] = await Promise.all([
        alone.run(seconds),
        questionThread.run(order),
      ]);
      asked.push(answered);
      return stored;
    },
  };
  const [aloneTurns, besideTurns] = await takeTurns([alone, beside], pace);
  // The first answers are those of the warm-up.
  const counted = asked.slice(1);
  return {
    servers,
    perSecond,
    connections,
    betsPerSecond: spreadOf(besideTurns.map((turn) => turn.betsPerSecond)),
    ratio: speedRatio(besideTurns, aloneTurns),
    answerP50Ms: spreadOf(counted.map((turn) => turn.p50Ms)),
    answerP99Ms: spreadOf(counted.map((turn) => turn.p99Ms)),
  };
}
