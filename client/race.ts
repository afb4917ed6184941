/**
 * A race between candidates that start one after the other, as RFC 8305 connects to the addresses of a name.
 *
 * @module
 */

/** One candidate of a {@linkcode race}. */
export interface Runner<Candidate> {
  candidate: Candidate;
  /** Aborted when another candidate has won, or the race has failed: closes what is open. */
  signal: AbortSignal;
}

/** Options of {@linkcode race}. */
export interface RaceOptions<Candidate, Prize extends Disposable> {
  /** Runs one candidate. A prize that comes after the race is disposed of. */
  run: (runner: Runner<Candidate>) => Promise<Prize>;
  /** The next candidate starts when the previous one has failed, or has run for this long. */
  delayMs: number;
  /** Receives a candidate's failure. The race goes on, unless this throws. */
  failed: (candidate: Candidate, error: unknown) => void;
}

/** The outcome of a {@linkcode race}. */
export interface RaceResult<Candidate, Prize> {
  winner: Candidate;
  prize: Prize;
  /** Candidates that started earlier than the winner and were still running. */
  overtaken: Candidate[];
}

/**
 * Starts the candidates in order until the first of them arrives.
 *
 * @param candidates One or more.
 * @throws What `failed` throws, or the last failure when all candidates have failed.
 */
export async function race<Candidate, Prize extends Disposable>(
  candidates: readonly Candidate[],
  { run, delayMs, failed }: RaceOptions<Candidate, Prize>,
): Promise<RaceResult<Candidate, Prize>> {
  const running = new Map<Candidate, AbortController>();
  const { promise: result, resolve, reject } = Promise.withResolvers<
    RaceResult<Candidate, Prize>
  >();
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let next = 0;

  // Clearing no timer would load the timers too, at the first connection of a program.
  const stopTimer = () => timer === undefined || clearTimeout(timer);
  const startNext = () => {
    stopTimer();
    if (next === candidates.length) return;
    const candidate = candidates[next++];
    const controller = new AbortController();
    running.set(candidate, controller);
    run({ candidate, signal: controller.signal }).then(
      (prize) => arrive(candidate, prize),
      (error) => fail(candidate, error),
    );
    if (next < candidates.length) timer = setTimeout(startNext, delayMs);
  };
  const end = () => {
    isOver = true;
    stopTimer();
    for (const controller of running.values()) controller.abort();
  };
  const arrive = (winner: Candidate, prize: Prize) => {
    if (isOver) return prize[Symbol.dispose]();
    const started = [...running.keys()];
    running.delete(winner);
    end();
    resolve({ winner, prize, overtaken: started.slice(0, started.indexOf(winner)) });
  };
  const fail = (candidate: Candidate, error: unknown) => {
    if (isOver) return;
    running.delete(candidate);
    try {
      failed(candidate, error);
    } catch (thrown) {
      end();
      return reject(thrown);
    }
    startNext();
    if (running.size > 0) return;
    end();
    reject(error);
  };

  startNext();
  return await result;
}
