import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  beginClient,
  beginServer,
  fromBase64,
  makeVerifier,
  randomNonce,
  ScramError,
  toBase64,
  type Verifier,
} from "./scram.ts";

// The exchange of RFC 7677, section 3.
const SALT = fromBase64("W22ZaJ0SNY7soEsUEjb6gQ==")!;
const VECTOR = {
  name: "user",
  key: "pencil",
  nonce: "rOprNGfwEbeRWgbNEkqO",
  serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
  first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
  challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
  final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
  welcome: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
};

async function vectorVerifier(key = VECTOR.key): Promise<Verifier> {
  return await makeVerifier(key, { salt: SALT, iterations: 4096 });
}

Deno.test("beginClient() speaks as the client of RFC 7677", async () => {
  const client = beginClient(VECTOR);
  assertEquals(client.first, VECTOR.first);
  const proof = await client.answer(VECTOR.challenge);
  assertEquals(proof.final, VECTOR.final);
  assert(proof.isServer(VECTOR.welcome));
});

Deno.test("beginServer() speaks as the server of RFC 7677", async () => {
  const server = beginServer(VECTOR.first);
  assertEquals(server.name, "user");
  const challenge = server.challenge(await vectorVerifier(), VECTOR.serverNonce);
  assertEquals(challenge.message, VECTOR.challenge);
  assertEquals(await challenge.check(VECTOR.final), VECTOR.welcome);
});

Deno.test("beginServer() does not admit a client with another key, or of another exchange", async () => {
  const { first, challenge, final } = VECTOR;
  const verifier = await vectorVerifier();
  const check = (text: string, { nonce = VECTOR.serverNonce } = {}) =>
    beginServer(first).challenge(verifier, nonce).check(text);
  const wrong = await beginClient({ ...VECTOR, key: "pencils" }).answer(challenge);
  assertEquals(await check(wrong.final), undefined);
  // A recorded conversation meets another nonce of the server.
  assertEquals(await check(final, { nonce: randomNonce() }), undefined);
  for (const text of ["", "x", final.slice(0, -1), `${final},x=1`, final.replace("biws", "eSws")]) {
    assertEquals(await check(text), undefined, text);
  }
  const short = `${final.split(",p=")[0]},p=${toBase64(new Uint8Array(31))}`;
  assertEquals(await check(short), undefined);
  // What the server stores does not let its reader pose as the client.
  const { storedKey, serverKey } = verifier;
  for (const stolen of [storedKey, serverKey]) {
    const thief = await beginClient({ ...VECTOR, key: toBase64(stolen) }).answer(challenge);
    assertEquals(await check(thief.final), undefined);
  }
});

Deno.test("beginServer() refuses malformed first messages", () => {
  const messages = ["", "n=user,r=x", "y,,n=user,r=x", "p=tls-unique,,n=user,r=x", "n,a=x,n=u,r=x"];
  for (const message of [...messages, "n,,n=,r=x", "n,,n=user,r=", "n,,n=user,r=x,y=z", "n,,n=u"]) {
    assertThrows(() => beginServer(message), ScramError, "malformed", message);
  }
});

Deno.test("beginClient() notices a server that does not know the verifier", async () => {
  const proof = await beginClient(VECTOR).answer(VECTOR.challenge);
  for (const text of ["", "v=", VECTOR.welcome.slice(0, -1), `v=${toBase64(new Uint8Array(32))}`]) {
    assert(!proof.isServer(text), text);
  }
});

Deno.test("beginClient() refuses challenges that are malformed, stale or weak", async () => {
  const { challenge, nonce } = VECTOR;
  const table: [challenge: string, message: string][] = [
    ["", "malformed"],
    [`${challenge},x=1`, "malformed"],
    [challenge.replace("s=W22ZaJ0SNY7soEsUEjb6gQ==", "s=?"), "no valid salt"],
    [challenge.replace(nonce, nonce.replace("r", "R")), "another exchange"],
    [`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`, "another exchange"],
    [challenge.replace("4096", "4095"), "at least 4096"],
    [challenge.replace("4096", "1000001"), "at most 1000000"],
  ];
  for (const [text, message] of table) {
    await assertRejects(() => beginClient(VECTOR).answer(text), ScramError, message, text);
  }
});

Deno.test("randomNonce() returns a new text each time, without a comma", () => {
  const nonces = new Set(Array.from({ length: 1000 }, randomNonce));
  assertEquals(nonces.size, 1000);
  for (const nonce of nonces) assert(/^[!-+\--~]{24}$/.test(nonce), nonce);
});

Deno.test("fromBase64() accepts nothing but Base64", () => {
  assertEquals(fromBase64("AAEC/w=="), Uint8Array.of(0, 1, 2, 255));
  for (const text of ["AAEC/w", "AAEC/w= =", "AAEC_w==", "AAEC/x==", "?"]) {
    assertEquals(fromBase64(text), undefined, text);
  }
});
