/**
 * The threads of a load, as the benchmark uses them.
 *
 * @module
 */

import type { LoadAnswer, LoadOrder, LoadResult } from "./load.ts";
import type { PublishOrder } from "./publish_load.ts";

/** A thread that carries out one order at a time. */
class OrderThread<Order> implements Disposable {
  readonly #worker: Worker;

  /** @param module The thread's module, in this folder. */
  constructor(module: string) {
    this.#worker = new Worker(new URL(module, import.meta.url), { type: "module" });
  }

  /**
   * Sends load.
   *
   * @throws {Error} If it is not stored.
   */
  run(order: Order): Promise<LoadResult> {
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
    this.#worker.onmessage = ({ data }: MessageEvent<LoadAnswer>) => {
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
