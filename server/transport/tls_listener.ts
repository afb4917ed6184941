/**
 * Listens for TLS, and adopts a renewed certificate without a restart.
 *
 * @module
 */

import type { ActionLog } from "../../shared/logging.ts";
import type { AcceptedConnection, ListenAddress, Listener } from "./listener.ts";
import { readTlsPair, type TlsFiles, type TlsPair } from "./tls_pair.ts";
import { WatchedFiles } from "./watched_files.ts";

/** Options of {@linkcode TlsListener}. */
export interface TlsListenerOptions {
  address: ListenAddress;
  files: TlsFiles;
  log: ActionLog;
  /** How often to look for a renewed certificate, in milliseconds; 0 for never. @default {2000} */
  intervalMs?: number;
}

/**
 * A listener over TLS.
 *
 * A socket of Deno keeps the certificate with which it was opened. So when the files have changed, a second socket
 * opens on the same port before the first one closes. A connection that has reached the first one but was not
 * accepted yet is reset, and its client connects again.
 */
export class TlsListener implements Listener {
  readonly #files: TlsFiles;
  readonly #address: ListenAddress;
  readonly #log: ActionLog;
  readonly #watch: WatchedFiles;
  #listener: Deno.TlsListener;

  /** @throws If the address cannot be bound, or the certificate or its key cannot be used. */
  constructor({ address, files, log, intervalMs }: TlsListenerOptions) {
    this.#files = files;
    this.#log = log;
    const pair = readTlsPair(files);
    // The two sockets of a renewal share the port. Without this check, another program could share
    // it by mistake.
    const { port } = address.reusePort ? address : freeAddress(address);
    this.#address = { ...address, port, reusePort: true };
    this.#listener = this.#open(pair);
    // Port 0 stands for the one that was found.
    this.#address.port = this.addr.port;
    this.#logInUse(pair);
    this.#watch = new WatchedFiles({
      paths: [files.certFile, files.keyFile],
      onChange: () => this.#renew(),
      intervalMs,
    });
  }

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  async accept(): Promise<AcceptedConnection> {
    for (;;) {
      const listener = this.#listener;
      try {
        return await listener.accept() as AcceptedConnection & Deno.TlsConn;
      } catch (error) {
        // It was closed because another one has replaced it.
        if (listener === this.#listener) throw error;
      }
    }
  }

  /** Checks for a renewed certificate, which also happens periodically. */
  async look(): Promise<void> {
    await this.#watch.look();
  }

  close(): void {
    this.#watch[Symbol.dispose]();
    this.#listener.close();
  }

  #renew(): void {
    try {
      const pair = readTlsPair(this.#files);
      const old = this.#listener;
      this.#listener = this.#open(pair);
      old.close();
      this.#logInUse(pair);
    } catch (error) {
      const { message } = error as Error;
      this.#log.error("tls", "fail", { error: `${message}; the certificate in use stays in use` });
    }
  }

  #open({ cert, key }: TlsPair): Deno.TlsListener {
    try {
      return Deno.listenTls({ ...this.#address, cert, key });
    } catch (cause) {
      const { message } = cause as Error;
      const { certFile, keyFile } = this.#files;
      if (!/KeyMismatch|No certificates|No keys|key/i.test(message)) throw cause;
      throw new Error(`${keyFile} is not the key of the certificate in ${certFile}: ${message}`, {
        cause,
      });
    }
  }

  #logInUse({ expiresAt }: TlsPair): void {
    const { port } = this.addr;
    this.#log.info("tls", "success", {
      port,
      certificate: this.#files.certFile,
      expires: expiresAt.toISOString(),
    });
  }
}

/** Returns an address that no other program listens on. @throws If it is taken. */
function freeAddress(address: ListenAddress): Deno.NetAddr {
  using probe = Deno.listen({ ...address, reusePort: false });
  return probe.addr;
}
