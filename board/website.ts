/**
 * Answers the requests of browsers.
 *
 * @module
 */

import { certificatePage } from "./certificate_page.ts";
import type { DrawRecords } from "./draw_records.ts";
import type { EventStreams } from "./event_stream.ts";
import type { Language } from "./settings.ts";

/** Nothing but the board's own files may be loaded, and no page may contain this one. */
const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Most winners of an agency on the page of a past draw. */
const CERTIFICATE_DOCUMENTS_MAX = 1000;

/** Options of {@linkcode Website}. */
export interface WebsiteOptions {
  streams: EventStreams;
  records: DrawRecords;
  language: Language;
  /** The folder of the page's files. @default {page/, beside this module} */
  folder?: string;
}

/** The pages of the board. */
export class Website {
  readonly #options: WebsiteOptions;
  readonly #folder: string;

  constructor(options: WebsiteOptions) {
    this.#options = options;
    this.#folder = options.folder ?? `${import.meta.dirname}/page`;
  }

  /** Answers a request. */
  async answer(request: Request): Promise<Response> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return text(405, "only GET and HEAD are allowed", { allow: "GET, HEAD" });
    }
    const url = new URL(request.url);
    const { pathname } = url;
    const draw = /^\/draws\/([^/]+)$/.exec(pathname);
    if (draw !== null) return await this.#answerDraw(draw[1], url, request);
    switch (pathname) {
      case "/":
        return await this.#answerPage();
      case "/events":
        return this.#answerEvents(request);
      case "/healthz":
        return text(200, "healthy");
    }
    const file = /^\/page\/([a-z_]+\.(css|js|svg))$/.exec(pathname);
    const body = file === null ? undefined : await this.#read(file[1]);
    if (file === null || body === undefined) return text(404, "there is no such page");
    return respond(body, TYPES[file[2]]);
  }

  async #answerPage(): Promise<Response> {
    const page = await this.#read("index.html") ?? "";
    const { language } = this.#options;
    return respond(page.replace('data-language="auto"', `data-language="${language}"`), TYPES.html);
  }

  #answerEvents({ method }: Request): Response {
    if (method === "HEAD") return respond(null, "text/event-stream");
    const stream = this.#options.streams.open();
    if (stream === undefined) {
      return text(503, "too many pages are open: close some, and this one continues by itself", {
        "retry-after": "5",
      });
    }
    return respond(stream, "text/event-stream");
  }

  async #answerDraw(id: string, url: URL, request: Request): Promise<Response> {
    const { records, language } = this.#options;
    const asked = url.searchParams.get("lang") ??
      (language === "auto" ? request.headers.get("accept-language") ?? "" : language);
    const outcome = await records.read(id, CERTIFICATE_DOCUMENTS_MAX).catch(() => null);
    const page = certificatePage(id, outcome, /^es\b/i.test(asked) ? "es" : "en");
    const status = outcome === undefined ? 404 : outcome === null ? 500 : 200;
    return respond(page, TYPES.html, status);
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await Deno.readTextFile(`${this.#folder}/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
}

function respond(body: BodyInit | null, type: string, status = 200): Response {
  const headers = { ...SECURITY_HEADERS, "cache-control": "no-cache", "content-type": type };
  return new Response(body, { status, headers });
}

function text(status: number, message: string, headers: Record<string, string> = {}): Response {
  const response = respond(`${message}\n`, "text/plain; charset=utf-8", status);
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  return response;
}
