/**
 * The threads of a load, as the benchmark uses them.
 *
 * @module
 */

import type { PostgresOrder } from "./beside/postgres_load.ts";
import type { LoadOrder } from "./load.ts";
import type { LoadResult, OrderAnswer } from "./load_worker.ts";
import type { PublishOrder } from "./publish_load.ts";
import type { QuestionOrder, QuestionResult } from "./question_load.ts";

/** A thread that carries out one order at a time. */
class OrderThread<Order, Result = LoadResult> implements Disposable {
  readonly #worker: Worker;

  /** @param module The thread's module, in this folder. */
  constructor(module: string) {
    this.#worker = new Worker(new URL(module, import.meta.url), { type: "module" });
  }

  /**
   * Carries out an order.
   *
   * @throws {Error} If that fails, for example because bets are not stored.
   */
  run(order: Order): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#worker.onmessage = ({ data }: MessageEvent<OrderAnswer<Result>>) => {
      if ("result" in data) resolve(data.result);
      else reject(new Error(data.error));
    };
    this.#worker.postMessage(order);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** A thread that sends load to servers. */
export class LoadThread extends OrderThread<LoadOrder> {
  constructor() {
    super("./load.ts");
  }
}

/** A thread that publishes to nodes. It needs the packages of NATS. */
export class PublishThread extends OrderThread<PublishOrder> {
  constructor() {
    super("./publish_load.ts");
  }
}

/** A thread that asks servers for progress. */
export class QuestionThread extends OrderThread<QuestionOrder, QuestionResult> {
  constructor() {
    super("./question_load.ts");
  }
}

/** A thread that stores bets in PostgreSQL. */
export class PostgresThread extends OrderThread<PostgresOrder> {
  constructor() {
    super("./beside/postgres_load.ts");
  }
}
