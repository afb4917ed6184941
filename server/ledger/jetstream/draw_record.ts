/**
 * The record of a draw in the stream of draws: what makes it the same draw on every server. The last record
 * of the stream is the current draw.
 *
 * @module
 */

import { FatalLedgerError } from "../fatal_error.ts";

/** A draw of a lottery on JetStream. */
export interface DrawRecord {
  /** A UUID. The names of its streams hold its first eight letters. */
  id: string;
  /** AGENCIES_AMOUNT. */
  agencies: number;
  /** LOTTERY_WINNER_NUMBER. */
  winningNumber: number;
  /** LEDGER_PARTITIONS: the number of streams that hold its bets. */
  partitions: number;
  /** When its first server started, in ISO 8601 with zone. */
  createdAt: string;
}

/** The settings that belong to a draw. The number of partitions is the one with which the draw began. */
export type DrawSettings = Pick<DrawRecord, "agencies" | "winningNumber">;

/** Creates the record of a draw that begins now. */
export function newDraw(plan: Omit<DrawRecord, "createdAt">): DrawRecord {
  const { id, agencies, winningNumber, partitions } = plan;
  return { id, agencies, winningNumber, partitions, createdAt: new Date().toISOString() };
}

/** Encodes a record: one JSON object. */
export function encodeDraw(draw: DrawRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(draw));
}

/**
 * Decodes a record.
 *
 * @throws {FatalLedgerError} If it is not the record of a draw.
 */
export function decodeDraw(bytes: Uint8Array): DrawRecord {
  try {
    const { id, agencies, winningNumber, partitions, createdAt } = JSON.parse(
      new TextDecoder().decode(bytes),
    );
    const isValid = /^[0-9a-f-]{36}$/.test(id) && Number.isInteger(agencies) &&
      Number.isInteger(winningNumber) && Number.isInteger(partitions) && partitions > 0 &&
      typeof createdAt === "string";
    if (isValid) return { id, agencies, winningNumber, partitions, createdAt };
  } catch {
    // Reported below.
  }
  throw new FatalLedgerError(
    "Cannot read the current draw: the last message of the stream of draws is not the record of a draw. " +
      "Restore that stream from a backup",
  );
}

/**
 * Makes sure that a server has the settings of a draw.
 *
 * @throws {FatalLedgerError} If not.
 */
export function assertSameDraw(draw: DrawRecord, settings: DrawSettings): void {
  const { agencies, winningNumber, createdAt } = draw;
  if (agencies === settings.agencies && winningNumber === settings.winningNumber) return;
  throw new FatalLedgerError(
    `Cannot join this draw: it began at ${createdAt} with AGENCIES_AMOUNT=${agencies} and ` +
      `LOTTERY_WINNER_NUMBER=${winningNumber}; this server has AGENCIES_AMOUNT=${settings.agencies} and ` +
      `LOTTERY_WINNER_NUMBER=${settings.winningNumber}. Give it the settings of the draw, use another ` +
      "LEDGER_NAME, or begin a new draw with ./denow task reset",
  );
}
