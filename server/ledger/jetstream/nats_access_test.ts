import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { NatsCluster } from "../../../testing/nats_cluster.ts";
import { needs } from "../../../testing/needs.ts";
import { tempFolder } from "../../../testing/temp_folder.ts";
import { namedBatch } from "../../testing/ledgers.ts";
import { FatalLedgerError } from "../fatal_error.ts";
import { NATS, openOn, type OpenOptions } from "./testing/nodes.ts";

/** The part of the client's key library that makes keys. */
interface KeyLibrary {
  createOperator: () => KeyPair;
  createAccount: () => KeyPair;
  createUser: () => KeyPair;
}

interface KeyPair {
  getPublicKey: () => string;
  getSeed: () => Uint8Array;
  sign: (bytes: Uint8Array) => Uint8Array;
}

/** Loads the key library, whose types would need the package. */
async function loadKeys(): Promise<KeyLibrary> {
  const module = "@nats-io/transport-node";
  return (await import(module)).nkeys;
}

/** Starts one node with more configuration. */
function startNode(config: string): Promise<NatsCluster> {
  return NatsCluster.start({
    nodes: 1,
    adapt: (program) => {
      Deno.writeTextFileSync(program.args!.at(-1)!, config, { append: true });
      return program;
    },
  });
}

/** Makes sure that the ledger can be used with these settings. */
async function assertOpens(cluster: NatsCluster, options: OpenOptions): Promise<void> {
  await using ledger = await openOn(cluster, options);
  const { status } = await ledger.append(namedBatch("a"));
  assertEquals(status, "stored");
}

async function refusal(cluster: NatsCluster, options: OpenOptions): Promise<string> {
  const opening = openOn(cluster, options).then((ledger) => ledger[Symbol.asyncDispose]());
  return (await assertRejects(() => opening, FatalLedgerError)).message;
}

Deno.test(needs(NATS, "a ledger is opened with a user and a password, or refused"), async () => {
  await using cluster = await startNode('authorization { user: "ada", password: "se cret" }\n');
  await assertOpens(cluster, { user: "ada", password: "se cret" });
  for (const wrong of [{}, { user: "ada", password: "secret" }]) {
    const message = await refusal(cluster, wrong);
    assertStringIncludes(message, "does not accept this server");
    assertStringIncludes(message, "Check LEDGER_USER and LEDGER_PASSWORD");
  }
});

Deno.test(needs(NATS, "a ledger is opened with an nkey, or refused"), async () => {
  const { createUser } = await loadKeys();
  const [user, stranger] = [createUser(), createUser()];
  await using folder = tempFolder();
  const nkeyFile = `${folder.path}/seed`;
  await using cluster = await startNode(
    `authorization { users: [{ nkey: "${user.getPublicKey()}" }] }\n`,
  );
  Deno.writeFileSync(nkeyFile, user.getSeed());
  await assertOpens(cluster, { nkeyFile });
  Deno.writeFileSync(nkeyFile, stranger.getSeed());
  assertStringIncludes(await refusal(cluster, { nkeyFile }), "does not accept this server");
  const missing = await refusal(cluster, { nkeyFile: "/nowhere" });
  assertStringIncludes(missing, "Cannot read /nowhere, which LEDGER_NKEY_FILE names");
});

Deno.test(needs(NATS, "a ledger is opened with a credentials file, or refused"), async () => {
  const { createOperator, createAccount, createUser } = await loadKeys();
  const [operator, system, account] = [createOperator(), createAccount(), createAccount()];
  const [user, stranger] = [createUser(), createUser()];
  const free = { subs: -1, data: -1, payload: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const limits = { ...free, ...storage, conn: -1, leaf: -1, imports: -1, exports: -1 };
  const userToken = token(account, user, { type: "user", ...free });
  await using folder = tempFolder();
  const credentialsFile = `${folder.path}/user.creds`;
  await using cluster = await startNode(
    `operator: ${token(operator, operator, { type: "operator" })}
system_account: ${system.getPublicKey()}
resolver: MEMORY
resolver_preload {
  ${system.getPublicKey()}: ${token(operator, system, { type: "account" })}
  ${account.getPublicKey()}: ${token(operator, account, { type: "account", limits })}
}
`,
  );
  Deno.writeTextFileSync(credentialsFile, credentials(userToken, user));
  await assertOpens(cluster, { credentialsFile });
  Deno.writeTextFileSync(credentialsFile, credentials(userToken, stranger));
  assertStringIncludes(await refusal(cluster, { credentialsFile }), "does not accept this server");
});

/** A signed statement of NATS about a key (a JWT). */
function token(issuer: KeyPair, subject: KeyPair, nats: Record<string, unknown>): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name: String(nats.type),
    sub: subject.getPublicKey(),
    nats: { ...nats, version: 2 },
  };
  const encode = (bytes: Uint8Array) =>
    bytes.toBase64({ alphabet: "base64url", omitPadding: true });
  const part = (value: unknown) => encode(new TextEncoder().encode(JSON.stringify(value)));
  const jti = createHash("sha256").update(JSON.stringify(claims)).digest("hex");
  const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part({ ...claims, jti })}`;
  return `${text}.${encode(issuer.sign(new TextEncoder().encode(text)))}`;
}

function credentials(jwt: string, user: KeyPair): string {
  const seed = new TextDecoder().decode(user.getSeed());
  const part = (name: string, text: string) =>
    `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  return `${part("NATS USER JWT", jwt)}\n${part("USER NKEY SEED", seed)}`;
}

Deno.test({
  ...needs(
    [...NATS, "openssl"],
    "a ledger is opened over TLS, with a certificate where nodes ask for it",
  ),
  fn: async () => {
    await using folder = tempFolder();
    const { path } = folder;
    makeCertificates(path);
    const [caFile, certFile, keyFile] = ["ca.pem", "cert.pem", "key.pem"].map((file) =>
      `${path}/${file}`
    );
    const anonymous = { caFile, certFile: "", keyFile: "", isFirst: false };
    const named = { ...anonymous, certFile, keyFile };
    const files = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${caFile}"`;
    {
      await using cluster = await startNode(`tls { ${files} }\n`);
      await assertOpens(cluster, { isTls: true, tls: anonymous });
    }
    for (const isFirst of [false, true]) {
      await using cluster = await startNode(
        `tls { ${files}, verify: true, handshake_first: ${isFirst} }\n`,
      );
      await assertOpens(cluster, { isTls: true, tls: { ...named, isFirst } });
    }
  },
});

/** Makes an authority, and a certificate of it for this machine, with openssl. */
function makeCertificates(folder: string): void {
  const subject = "subjectAltName=IP:127.0.0.1,DNS:localhost";
  for (
    const command of [
      "req -x509 -newkey ed25519 -nodes -keyout ca-key.pem -out ca.pem -days 2 -subj /CN=ca",
      `req -newkey ed25519 -nodes -keyout key.pem -out request.pem -subj /CN=node -addext ${subject}`,
      "x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -out cert.pem -days 2 -copy_extensions copy",
    ]
  ) {
    const openssl = new Deno.Command("openssl", { args: command.split(" "), cwd: folder });
    const { success, stderr } = openssl.outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }
}
