/**
 * The thread of the load, as the benchmark uses it.
 *
 * @module
 */

import type { LoadAnswer, LoadOrder, LoadResult } from "./load.ts";

/** A thread that sends load. It carries out one order at a time. */
export class LoadThread implements Disposable {
  readonly #worker = new Worker(new URL("./load.ts", import.meta.url), { type: "module" });

  /**
   * Sends load.
   *
   * @throws {Error} If a server does not store it.
   */
  run(order: LoadOrder): Promise<LoadResult> {
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
