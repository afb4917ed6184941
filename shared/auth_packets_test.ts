import { assert, assertEquals, assertThrows } from "@std/assert";
import { isNotAdmitted, NOT_ADMITTED } from "./answers.ts";
import {
  AUTH_PACKET_BYTES_MAX,
  AUTH_TYPES,
  decodeAuthPacket,
  encodeAuthPacket,
} from "./auth_packets.ts";
import { PacketError } from "./packets.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("decodeAuthPacket() returns what encodeAuthPacket() was given", () => {
  for (const type of AUTH_TYPES) {
    const line = encodeAuthPacket(type, "r=a:b;c,s=d==").subarray(0, -1);
    assertEquals(decodeAuthPacket(type, line), "r=a:b;c,s=d==");
  }
});

Deno.test("decodeAuthPacket() refuses other packets, other characters and longer packets", () => {
  const longest = "AuthProof:".padEnd(AUTH_PACKET_BYTES_MAX - 1, "x");
  assertEquals(decodeAuthPacket("AuthProof", utf8(longest)).length, longest.length - 10);
  const lines = [
    "",
    "AuthProof:",
    "AuthProof",
    "authproof:x",
    "AuthRequest:x",
    "ProgressRequest:1",
  ];
  for (const line of [...lines, "AuthProof:a b", "AuthProof:ñ", `${longest}x`].map(utf8)) {
    assertThrows(() => decodeAuthPacket("AuthProof", line), PacketError);
  }
});

Deno.test("isNotAdmitted() recognizes the one answer that refuses a peer", () => {
  assert(isNotAdmitted(encodeAuthPacket("AuthResponse", NOT_ADMITTED).subarray(0, -1)));
  for (const line of ["AuthResponse:v=x", "AuthResponse:e=other", ""].map(utf8)) {
    assert(!isNotAdmitted(line));
  }
});
