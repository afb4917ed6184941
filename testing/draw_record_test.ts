import { assertEquals } from "@std/assert";
import { certificateJson, sealOf } from "../server/certificate/certificate.ts";
import { drawRecord } from "./draw_record.ts";

Deno.test("drawRecord() returns what a server writes", () => {
  const draw = {
    id: "a",
    winningNumber: 7574,
    agencies: [{ bets: 10, documents: ["30904465", "21689196"] }, { bets: 5, documents: [] }],
  };
  const at = "2026-11-27T10:00:00.000Z";
  const sha256 = "0".repeat(64);
  const certificate = {
    id: draw.id,
    createdAt: at,
    drawnAt: at,
    winningNumber: draw.winningNumber,
    software: "1.0.0",
    ledger: "files" as const,
    files: [],
    audit: [],
    agencies: draw.agencies.map(({ bets, documents }, index) => ({
      agency: index + 1,
      bets,
      sha256,
      winners: documents.length,
      listWinners: () => documents.map((document, at) => ({ document, position: at + 1 })),
    })),
  };
  const text = { name: "result.txt", bytes: 1, sha256 };
  const written = Array.from(certificateJson(certificate, text)).join("") + sealOf(sha256);
  assertEquals(drawRecord(draw), written);
});
