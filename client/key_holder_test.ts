import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { decodeProgressResponse } from "../shared/mod.ts";
import { beginServer, makeVerifier, type ServerChallenge } from "../shared/scram.ts";
import { connect, type Connection, ConnectionError } from "./connection.ts";
import type { Dialer, Transport } from "./dialer.ts";
import { KeyHolder } from "./key_holder.ts";
import { RefusedError } from "./progress_knowledge.ts";

/** What a fake server answers to a packet; nothing to close the connection. */
type React = (type: string, message: string) => Promise<string | undefined>;

/** Connects to a fake server. */
async function connectTo(react: React): Promise<Connection> {
  let answers = new Uint8Array();
  let isEnded = false;
  const transport: Transport = {
    read(bytes) {
      if (answers.length === 0 && isEnded) return Promise.resolve(null);
      bytes.set(answers);
      const { length } = answers;
      answers = new Uint8Array();
      return Promise.resolve(length);
    },
    async write(bytes) {
      const [, type, message] = /^(\w+):(.*)\n$/.exec(new TextDecoder().decode(bytes))!;
      const answer = await react(type, message);
      if (answer === undefined) isEnded = true;
      else answers = new TextEncoder().encode(`${answer}\n`);
      return bytes.length;
    },
    close: () => {},
  };
  const dialer: Dialer = {
    resolve: () => Promise.resolve([]),
    connect: () => Promise.resolve(transport),
  };
  return await connect({ hostname: "server", port: 1 }, { dialer, timeoutMs: 10_000 });
}

/** A server that knows the verifier of a key. */
async function serverWith(key: string): Promise<React> {
  const verifier = await makeVerifier(key);
  let challenge: ServerChallenge | undefined;
  return async (type, message) => {
    if (type === "AuthRequest") {
      challenge = beginServer(message).challenge(verifier);
      return `AuthChallenge:${challenge.message}`;
    }
    const welcome = type === "AuthProof" ? await challenge?.check(message) : undefined;
    return `AuthResponse:${welcome ?? "e=not-admitted"}`;
  };
}

const holderOf = (key: string) => new KeyHolder({ agency: 3, readKey: () => key });

Deno.test("KeyHolder.introduce() proves that the client knows the key, and never sends it", async () => {
  const server = await serverWith("the key");
  const sent: string[] = [];
  using connection = await connectTo((type, message) => {
    sent.push(`${type}:${message}`);
    return server(type, message);
  });
  await holderOf("the key").introduce(connection);
  assertEquals(sent.map((packet) => packet.split(":")[0]), ["AuthRequest", "AuthProof"]);
  assertStringIncludes(sent[0], "AuthRequest:n,,n=3,r=");
  assert(!sent.join().includes("the key"));
});

Deno.test("KeyHolder.introduce() gives up after three refusals in a row, not after one", async () => {
  const [right, wrong] = [await serverWith("the key"), await serverWith("another key")];
  const holder = holderOf("the key");
  const introduceTo = async (react: React) => {
    using connection = await connectTo(react);
    await holder.introduce(connection);
  };
  const refusal = "does not admit this client as agency 3";
  for (const rounds of [2, 2]) {
    for (let round = 0; round < rounds; round++) {
      await assertRejects(() => introduceTo(wrong), ConnectionError, refusal);
    }
    await introduceTo(right);
  }
  for (let round = 0; round < 2; round++) {
    await assertRejects(() => introduceTo(wrong), ConnectionError, refusal);
  }
  const error = await assertRejects(() => introduceTo(wrong), RefusedError, refusal);
  assertStringIncludes(error.message, "CLI_KEY_FILE");
});

Deno.test("KeyHolder.introduce() trusts no server that does not know the key", async (t) => {
  const genuine = await serverWith("the key");
  const table: [name: string, react: React, message: string][] = [
    ["a false signature", async (type, message) => {
      const answer = await genuine(type, message);
      return type === "AuthProof" ? `AuthResponse:v=${"A".repeat(43)}=` : answer;
    }, "it is not a server of this lottery"],
    ["a welcome without a signature", async (type, message) => {
      return type === "AuthProof" ? "AuthResponse:v=" : await genuine(type, message);
    }, "it is not a server of this lottery"],
    ["another answer", async (type, message) => {
      return type === "AuthProof" ? "ProgressResponse:0" : await genuine(type, message);
    }, "is not a valid AuthResponse"],
    ["a weak challenge", async (type, message) => {
      return (await genuine(type, message))?.replace("i=4096", "i=1");
    }, "the server cannot prove who it is: the challenge asks for 1 iterations"],
    ["a challenge of another exchange", (type) => {
      return Promise.resolve(type === "AuthRequest" ? "AuthChallenge:r=x,s=AAAA,i=4096" : "");
    }, "belongs to another exchange"],
    [
      "no answer to AuthRequest",
      () => Promise.resolve(undefined),
      "it stops, or has no AGENCY_KEYS",
    ],
  ];
  for (const [name, react, message] of table) {
    await t.step(name, async () => {
      using connection = await connectTo(react);
      const introduction = () => holderOf("the key").introduce(connection);
      const { failure } = await assertRejects(introduction, ConnectionError, message);
      // An old server would close the connection; this one must not be taken for it.
      assertEquals(failure, "broken");
    });
  }
});

Deno.test("KeyHolder.introduce() reads the key again for each connection", async () => {
  const server = await serverWith("new");
  const keys = ["old", "new"];
  const holder = new KeyHolder({ agency: 3, readKey: () => keys.shift()! });
  await assertRejects(async () => holder.introduce(await connectTo(server)), ConnectionError);
  await holder.introduce(await connectTo(server));
  // It is missing for a moment while somebody replaces it.
  const missing = new KeyHolder({
    agency: 3,
    readKey: () => {
      throw new Deno.errors.NotFound("no such file");
    },
  });
  const introduction = async () => missing.introduce(await connectTo(server));
  await assertRejects(introduction, ConnectionError, "the key of the agency cannot be read");
});

Deno.test("Connection.ask() says that a server demands a key", async () => {
  using connection = await connectTo(() => Promise.resolve("AuthResponse:e=not-admitted"));
  const request = new TextEncoder().encode("ProgressRequest:3\n");
  const question = () => connection.ask(request, decodeProgressResponse);
  await assertRejects(question, ConnectionError, "have a key: set CLI_KEY_FILE");
});
