import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeDigestResponse,
  decodeProgressResponse,
  decodeStoreResponse,
  decodeWinnersResponse,
  encodeDigestResponse,
  encodeProgressResponse,
  REFUSED,
  STORED,
} from "./answers.ts";
import { PacketError } from "./packets.ts";
import { textOf, utf8 } from "./testing/decoding.ts";

Deno.test(
  "decodeStoreResponse() accepts both answers and no other",
  { permissions: "none" },
  () => {
    assertEquals(decodeStoreResponse(utf8("StoreResponse:0")), STORED);
    assertEquals(decodeStoreResponse(utf8("StoreResponse:1")), REFUSED);
    const bad = ["", "StoreResponse", "StoreResponse:", "StoreResponse:2", "StoreResponse:00"];
    bad.push("StoreResponse:0 ", "StoreResponse:0\r", "StoreResponse:0\n", "storeresponse:0");
    bad.push("WinnersResponse:0", " StoreResponse:0", "StoreResponse:-0", "\ufeffStoreResponse:0");
    for (const line of bad) {
      assertThrows(
        () => decodeStoreResponse(utf8(line)),
        PacketError,
        "is not a valid StoreResponse",
        line,
      );
    }
  },
);

Deno.test("decodeProgressResponse() accepts only a count", {
  permissions: "none",
}, () => {
  for (const count of [0, 1, 26936, 999_999_999_999_999]) {
    const answer = encodeProgressResponse(count);
    assertEquals(decodeProgressResponse(answer.subarray(0, -1)), count);
  }
  const bad = [
    "ProgressResponse:",
    "ProgressResponse:-1",
    "ProgressResponse:1.5",
    "StoreResponse:1",
  ];
  bad.push("ProgressResponse:1e3", "ProgressResponse:9999999999999999", "ProgressResponse:0x10");
  for (const line of bad) assertThrows(() => decodeProgressResponse(utf8(line)), PacketError);
});

Deno.test("decodeWinnersResponse() returns the documents in order", {
  permissions: "none",
}, () => {
  const documents = (line: string) => decodeWinnersResponse(utf8(line));
  assertEquals(documents("WinnersResponse:34054835;38955439"), ["34054835", "38955439"]);
  assertEquals(documents("WinnersResponse:34054835"), ["34054835"]);
  assertEquals(documents("WinnersResponse:"), []);
  assertEquals(documents("WinnersResponse:\ufeffñ 1"), ["\ufeffñ 1"]);
  const many = Array.from({ length: 200_000 }, (_, index) => String(10_000_000 + index));
  assertEquals(documents(`WinnersResponse:${many.join(";")}`), many);
  for (const line of ["WinnersResponse", "WinnersResponse:1:2", "StoreResponse:1", ""]) {
    assertThrows(() => documents(line), PacketError, "is not a valid WinnersResponse");
  }
});

Deno.test("decodeDigestResponse() reads what encodeDigestResponse() writes, and nothing else", {
  permissions: "none",
}, () => {
  const sha256 = "0123456789abcdef".repeat(4);
  for (const bets of [0, 1, 26_936, 999_999_999_999_999]) {
    const answer = encodeDigestResponse({ bets, sha256 });
    assertEquals(textOf(answer), `DigestResponse:${bets};${sha256}\n`);
    assertEquals(decodeDigestResponse(answer.subarray(0, -1)), { bets, sha256 });
  }
  const invalid = ["DigestResponse:1", `DigestResponse:;${sha256}`, `DigestResponse:-1;${sha256}`];
  invalid.push(`DigestResponse:1;${sha256.toUpperCase()}`, `DigestResponse:1;${sha256}0`);
  invalid.push(`DigestResponse:1;${sha256};1`, `ProgressResponse:1;${sha256}`);
  for (const line of invalid) {
    assertThrows(() => decodeDigestResponse(utf8(line)), PacketError, "is not a valid", line);
  }
});
