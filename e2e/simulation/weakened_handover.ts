/**
 * The handover between servers without one of its protections.
 *
 * @module
 */

import type {
  HandoverConnection,
  HandoverNetwork,
} from "../../server/ledger/file/handover/channel.ts";
import { FrameReader, writeBatch, writeOutcome } from "../../server/ledger/file/handover/frames.ts";
import type { Ledger } from "../../server/ledger/ledger.ts";
import { ByteBuffer } from "../../shared/bytes.ts";
import type { Protection } from "./protections.ts";

/** Returns the connections of a process without a protection. */
export function weakenedNetwork(
  network: HandoverNetwork,
  without: Protection | undefined,
): HandoverNetwork {
  switch (without) {
    case "outcomes of rounds":
      return {
        ...network,
        listen: () => {
          const listener = network.listen();
          return {
            isReachable: () => listener.isReachable(),
            close: () => listener.close(),
            [Symbol.asyncIterator]: () => hasty(listener),
          };
        },
      };
    case "expected bets of others":
      return { ...network, connect: async () => expectingNothing(await network.connect()) };
    default:
      return network;
  }
}

/** Takes a batch whose outcome has not come back for one that has never been handed over. */
export function storeLostBatches(ledger: Ledger): void {
  const append = ledger.append.bind(ledger);
  ledger.append = async (batch, expectedBets) => {
    const result = await append(batch, expectedBets);
    return result.status === "unknown" ? await append(batch, expectedBets) : result;
  };
}

/** Answers each batch as stored when it has arrived; the true outcome comes later, and is ignored. */
async function* hasty(
  connections: AsyncIterable<HandoverConnection>,
): AsyncGenerator<HandoverConnection> {
  for await (const connection of connections) {
    const reader = new FrameReader();
    const out = new ByteBuffer();
    yield {
      ...connection,
      read: async (bytes) => {
        const count = await connection.read(bytes);
        reader.space().set(bytes.subarray(0, count ?? 0));
        reader.filled(count ?? 0);
        out.length = 0;
        for (const { type, id } of reader.frames()) {
          if (type === "batch") writeOutcome(out, { type: "stored", id });
        }
        await writeWhole(connection, out.view());
        return count;
      },
    };
  }
}

/** Leaves out how many bets the sender of a batch believes to be stored. */
function expectingNothing(connection: HandoverConnection): HandoverConnection {
  const reader = new FrameReader();
  const out = new ByteBuffer();
  return {
    ...connection,
    write: async (bytes) => {
      reader.space().set(bytes);
      reader.filled(bytes.length);
      out.length = 0;
      for (const { batch, ...frame } of reader.frames()) {
        if (batch === undefined) writeOutcome(out, frame);
        else writeBatch(out, frame.id, batch);
      }
      await writeWhole(connection, out.view());
      return bytes.length;
    },
  };
}

async function writeWhole(connection: HandoverConnection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}
