/**
 * Makes a server leak: it keeps a buffer for each connection that it accepts. For the control of the soak, which
 * must notice. Deno runs this module before server/main.ts (`deno run --preload`).
 *
 * @module
 */

const LEAKED_BYTES = 256 * 1024;

const kept: Uint8Array[] = [];
const listen = Deno.listen;

function leakingListen(options: Deno.TcpListenOptions): Deno.TcpListener {
  const listener = listen(options);
  const accept = listener.accept.bind(listener);
  listener.accept = async () => {
    // Filled, because pages that nobody has written to take no memory.
    kept.push(new Uint8Array(LEAKED_BYTES).fill(1));
    return await accept();
  };
  return listener;
}

Deno.listen = leakingListen as typeof Deno.listen;
