/**
 * Chromium, driven through its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).
 *
 * @module
 */

import { withDeadline } from "../shared/deadline.ts";
import type { Resource } from "./needs.ts";
import { Program } from "./program.ts";
import { tempFolder } from "./temp_folder.ts";

/** The names under which systems install it. */
const COMMANDS = ["chromium", "chromium-browser", "google-chrome"];
/** Longest wait for a condition or an answer. A busy machine is slow. */
const TIMEOUT_MS = 60_000;

/** Chromium, as something that a test needs. */
export const CHROMIUM: Resource = {
  description: "chromium",
  isPresent: () => findChromium() !== undefined,
};

function findChromium(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.flatMap((folder) => COMMANDS.map((command) => `${folder}/${command}`))
    .find((path) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
}

/** How a page is shown. */
export interface PageOptions {
  width: number;
  height: number;
  /** @default {"light"} */
  scheme?: "light" | "dark";
  /** Whether the visitor prefers reduced motion. @default {false} */
  isStill?: boolean;
  /** @default {"en"} */
  language?: string;
}

type Params = Record<string, unknown>;
type Message = { id?: number; method?: string; sessionId?: string; params?: Params } & {
  result?: Params;
  error?: { message: string };
};

/** A running browser. At the end of its block it is stopped. */
export class Browser implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #pages = new Map<string, Page>();
  #lastId = 0;

  private constructor(socket: WebSocket, resources: AsyncDisposableStack) {
    this.#socket = socket;
    this.#resources = resources;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  /** Starts a browser that nobody sees. */
  static async start(): Promise<Browser> {
    await using resources = new AsyncDisposableStack();
    const profile = resources.use(tempFolder());
    const program = resources.use(
      new Program({
        name: "chromium",
        command: findChromium(),
        args: [
          ...["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
          ...["--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking"],
          ...["--remote-debugging-port=0", `--user-data-dir=${profile.path}`],
          // Memory is measured after a collection, and pages in the background keep their timers.
          ...["--js-flags=--expose-gc", "--disable-renderer-backgrounding", "about:blank"],
        ],
      }),
    );
    const [, address] = await program.line(/DevTools listening on (ws:\S+)/);
    const socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(program.failure("does not accept a connection"));
    });
    return new Browser(socket, resources.move());
  }

  /** Opens a page in a profile of its own. */
  async open(url: string, options: PageOptions): Promise<Page> {
    const { browserContextId } = await this.send("Target.createBrowserContext");
    const { width, height } = options;
    const target = { url: "about:blank", browserContextId, width, height };
    const { targetId } = await this.send("Target.createTarget", target);
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(this, String(sessionId));
    this.#pages.set(String(sessionId), page);
    await page.load(url, options);
    return page;
  }

  /** Sends a command. @throws If the browser refuses it, or does not answer. */
  async send(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    const id = ++this.#lastId;
    const answered = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    const error = () => new Error(`the browser does not answer ${method}`);
    const { result, error: refusal } = await withDeadline(answered, {
      timeoutMs: TIMEOUT_MS,
      error,
    });
    if (refusal !== undefined) throw new Error(`${method}: ${refusal.message}`);
    return result ?? {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
    await this.#resources.disposeAsync();
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    } else if (message.sessionId !== undefined && message.method !== undefined) {
      this.#pages.get(message.sessionId)?.notice(message.method, message.params ?? {});
    }
  }
}

/** A page in a {@linkcode Browser}. */
export class Page {
  /** Exceptions, errors on the console, and violations of the Content-Security-Policy so far. */
  readonly errors: string[] = [];
  /** The addresses of all requests so far. */
  readonly requests: string[] = [];
  readonly #browser: Browser;
  readonly #sessionId: string;
  #onLoad: () => void = () => {};

  constructor(browser: Browser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  /** Loads a page and waits until that is done. */
  async load(
    url: string,
    { width, height, scheme = "light", isStill, language = "en" }: PageOptions,
  ) {
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
    await this.resize(width, height);
    await this.send("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: scheme },
        { name: "prefers-reduced-motion", value: isStill ? "reduce" : "no-preference" },
      ],
    });
    await this.send("Emulation.setLocaleOverride", { locale: language });
    const userAgent = (await this.send("Runtime.evaluate", { expression: "navigator.userAgent" }))
      .result as { value: string };
    await this.send("Network.setUserAgentOverride", {
      userAgent: userAgent.value,
      acceptLanguage: language,
    });
    const loaded = new Promise<void>((resolve) => this.#onLoad = resolve);
    await this.send("Page.navigate", { url });
    await withDeadline(loaded, {
      timeoutMs: TIMEOUT_MS,
      error: () => new Error(`${url} was not loaded: ${this.errors.join("; ")}`),
    });
  }

  /** Changes the size of the page's window, in CSS pixels. */
  async resize(width: number, height: number): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.send("Emulation.setDeviceMetricsOverride", metrics);
  }

  /** Sends a command about this page. */
  send(method: string, params: Params = {}): Promise<Params> {
    return this.#browser.send(method, params, this.#sessionId);
  }

  /** Evaluates an expression, which may be a promise, and returns its value as JSON has it. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    }
    return (result as { value: Value }).value;
  }

  /** Waits until an expression is true. @throws If that takes longer than a minute. */
  async until(expression: string): Promise<void> {
    if (await this.becomes(expression, TIMEOUT_MS)) return;
    const text = await this.evaluate<string>("document.body.innerText");
    throw new Error(`not true within ${TIMEOUT_MS / 1000} s: ${expression}\n${text}`);
  }

  /** Waits until an expression is true, for at most `timeoutMs`. Returns whether it became true. */
  async becomes(expression: string, timeoutMs: number): Promise<boolean> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      try {
        return await this.evaluate<boolean>(`new Promise((resolve) => {
          const endMs = performance.now() + ${timeoutMs};
          const look = () => {
            if (${expression}) resolve(true);
            else if (performance.now() > endMs) resolve(false);
            else setTimeout(look, 16);
          };
          look();
        })`);
      } catch (error) {
        // A page that is being left no longer answers; the one that follows does.
        const isLeft = (error as Error).message.includes("navigated or closed");
        if (!isLeft || performance.now() > endMs) throw error;
      }
    }
  }

  /** Returns the text of the first element that matches. */
  text(selector: string): Promise<string> {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);
  }

  /** Presses a key, such as `Tab`. */
  async press(key: string): Promise<void> {
    const codes: Record<string, number> = { Tab: 9, Enter: 13, Escape: 27 };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key] };
    const text = key === "Enter" ? { text: "\r" } : {};
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...event, ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Returns a picture of the window as PNG. */
  async picture(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Uint8Array.fromBase64(String(data));
  }

  /** Takes an event of the browser. */
  notice(method: string, params: Params): void {
    switch (method) {
      case "Page.loadEventFired":
        return this.#onLoad();
      case "Network.requestWillBeSent":
        this.requests.push((params.request as { url: string }).url);
        return;
      case "Runtime.exceptionThrown":
      case "Log.entryAdded":
      case "Runtime.consoleAPICalled": {
        const text = JSON.stringify(params);
        if (/"(level|type)":"(error|warning|assert)"|exceptionDetails/.test(text)) {
          this.errors.push(text);
        }
      }
    }
  }
}
