import { randomUUID } from "node:crypto";
import { errorCodes } from "../error-codes.ts";
import { TminusError, hasCode, type ErrorRecord } from "../errors.ts";
import { deadline, every, type Clock } from "../lib/clock.ts";
import { EventStreamReader, type StreamPart } from "../lib/event-stream.ts";
import type { Secret } from "../lib/redact.ts";

export interface ConnectionOptions {
  /** Of the server, as checkedUrl gives it. */
  url: URL;
  token: Secret | undefined;
  clock: Clock;
  /** Told what is waited for, for display. */
  log(line: string): void;
}

interface SendLimits {
  signal?: AbortSignal;
  /** How long it may take in all, with every repeat. */
  patienceMs?: number;
}

interface Sent extends SendLimits {
  method?: "POST" | "DELETE";
  json?: object;
  bytes?: Uint8Array;
  headers?: Record<string, string>;
}

/** A server that is started again is back within seconds. */
const RETRY_WAITS_MS = [300, 700, 1500, 3000, 5000];
const OPEN_WAIT_MS = 2000;
const LONGEST_RATE_WAIT_SECONDS = 60;
/** How long one try may take. */
const READ_MS = 30_000;
/** Of a change; what makes a plan anew first takes longer, and is said to. */
const CHANGE_MS = 60_000;
/** Node gives up an answer of which nothing has come after 300 s. */
const LONGEST_TRY_MS = 280_000;
/** In all, with every repeat. */
const PATIENCE_MS = 120_000;
/** For the answer to a change that was sent before the connection broke. Nearly all take less than a second. */
const OPEN_PATIENCE_MS = 20_000;
/** Making a plan again may take ten minutes. */
export const PLAN_PATIENCE_MS = 660_000;
/** The server sends a sign of life every 15 s. */
const SILENT_MS = 40_000;
/** What a proxy says of a server that is not there. */
const GATEWAY_STATUS = new Set([502, 503, 504]);

/**
 * Where TMINUS_URL says the server is. Errors: USAGE_INVALID, also for an address on another machine to which the
 * token would go unencrypted.
 */
export function checkedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const invalid = (why: string, hint: string): TminusError =>
    new TminusError("USAGE_INVALID", `TMINUS_URL ${why}`, { hint });
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw invalid("is not the address of a server", "Write it as TMINUS_URL=https://deploys.example.com.");
  if (url.username !== "" || url.password !== "")
    throw invalid("has a name or a password in it", "Leave them out, and set TMINUS_TOKEN.");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    throw invalid("has a path after the server's name", `Write it as TMINUS_URL=${url.origin}.`);
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol === "http:" && !isHere)
    throw invalid(
      "is not encrypted, and the token would be read on the way",
      `Write it as TMINUS_URL=https://${url.host}, or reach the server through a tunnel to this machine.`,
    );
  return url;
}

/**
 * Requests to one server. What changes something carries a key by which the server knows it again, so that it is sent again
 * after a broken connection and carried out once. Errors of every request: what the server refused, with its own code;
 * SERVER_SILENT.
 */
export class Connection {
  readonly url: URL;
  readonly #clock: Clock;
  readonly #log: (line: string) => void;
  #authorization: Record<string, string>;

  /** Errors: IDENTITY_REFUSED for a token that cannot be one. */
  constructor({ url, token, clock, log }: ConnectionOptions) {
    this.url = url;
    this.#clock = clock;
    this.#log = log;
    if (token !== undefined && !/^[\x21-\x7e]+$/.test(token.reveal()))
      throw new TminusError(
        "IDENTITY_REFUSED",
        "TMINUS_TOKEN is no token: it has spaces, line breaks or the like in it",
      );
    this.#authorization = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.#answer(path, signal === undefined ? {} : { signal }, (answer) => this.#json<T>(answer));
  }

  async getText(path: string): Promise<string> {
    return this.#answer(path, {}, (answer) => answer.text());
  }

  async getBytes(path: string): Promise<{ headers: Headers; bytes: Uint8Array }> {
    return this.#answer(path, {}, async (answer) => ({
      headers: answer.headers,
      bytes: new Uint8Array(await answer.arrayBuffer()),
    }));
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
  async send<T>(method: "POST" | "DELETE", path: string, json?: object, limits: SendLimits = {}): Promise<T> {
    const sent = { method, ...(json === undefined ? {} : { json }), ...limits };
    return this.#answer(path, sent, (answer) => this.#json<T>(answer));
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
  async upload<T>(path: string, bytes: Uint8Array): Promise<T> {
    return this.#answer(path, { method: "POST", bytes }, (answer) => this.#json<T>(answer));
  }

  /** Signs in; from then on requests are those of the session. */
  async signIn(name: string, password: Secret): Promise<void> {
    const headers = { origin: this.url.origin };
    const json = { name, password: password.reveal() };
    const cookie = await this.#answer("/session", { method: "POST", json, headers }, async (answer) => {
      await answer.arrayBuffer();
      return answer.headers.getSetCookie()[0]?.split(";")[0];
    });
    if (cookie === undefined) throw this.#notUnderstood("it set no cookie");
    // Programs that act in a session say which pages they would be of.
    this.#authorization = { cookie, ...headers };
  }

  /** Parts as they come; ends when the server ends it. Not tried again. Errors: SERVER_SILENT also after 40 s of silence. */
  async *stream(
    path: string,
    sent: Pick<Sent, "method" | "json"> & { signal: AbortSignal },
  ): AsyncIterable<StreamPart> {
    const silent = new AbortController();
    let heardMs = this.#clock.monotonicMs();
    const stopLooking = every(1000, () => {
      if (this.#clock.monotonicMs() - heardMs > SILENT_MS)
        silent.abort(new Error("it was silent for too long"));
    });
    try {
      const response = await this.#reach(path, {
        ...sent,
        headers: { accept: "text/event-stream", "idempotency-key": randomUUID() },
        signal: AbortSignal.any([sent.signal, silent.signal]),
      });
      if (!response.ok) throw await this.#refusalOf(response);
      const reader = new EventStreamReader();
      const text = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
      for await (const chunk of text as AsyncIterable<string>) {
        heardMs = this.#clock.monotonicMs();
        yield* reader.push(chunk);
      }
    } catch (error) {
      sent.signal.throwIfAborted();
      throw hasCode(error) ? error : this.#silent(error);
    } finally {
      stopLooking();
      silent.abort(new Error("it is not read any more"));
    }
  }

  async #answer<T>(path: string, sent: Sent, read: (answer: Response) => Promise<T>): Promise<T> {
    const isRead = sent.method === undefined;
    const key = isRead ? {} : { "idempotency-key": randomUUID() };
    const patienceFor = ({ code }: TminusError): number =>
      sent.patienceMs ?? (code === "REQUEST_OPEN" ? OPEN_PATIENCE_MS : PATIENCE_MS);
    const tryMs = isRead ? READ_MS : Math.min(sent.patienceMs ?? CHANGE_MS, LONGEST_TRY_MS);
    const begunMs = this.#clock.monotonicMs();
    const waitsMs = [...RETRY_WAITS_MS];
    let said = "";
    for (;;) {
      const limit = deadline(tryMs, sent.signal);
      try {
        const headers = { ...key, ...sent.headers };
        const response = await this.#reach(path, { ...sent, headers, signal: limit });
        if (response.ok) return await read(response);
        throw await this.#refusalOf(response);
      } catch (thrown) {
        sent.signal?.throwIfAborted();
        const error = hasCode(thrown) ? thrown : this.#silent(thrown);
        const waitMs = error.code === "SERVER_SILENT" ? waitsMs.shift() : waitBeforeRepeat(error);
        if (waitMs === undefined || this.#clock.monotonicMs() - begunMs + waitMs > patienceFor(error))
          throw error;
        if (waitMs >= OPEN_WAIT_MS && said !== error.code) this.#log(`${error.message}; it is asked again`);
        said = error.code;
        await this.#clock.sleep(waitMs, sent.signal);
      }
    }
  }

  async #reach(path: string, { method, json, bytes, headers, signal }: Sent): Promise<Response> {
    const body = json === undefined ? bytes : JSON.stringify(json);
    const type = json === undefined ? "application/octet-stream" : "application/json";
    try {
      return await fetch(new URL(`/api${path}`, this.url), {
        method: method ?? "GET",
        headers: {
          ...this.#authorization,
          ...(body === undefined ? {} : { "content-type": type }),
          ...headers,
        },
        // The token is for this server alone.
        redirect: "error",
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : Uint8Array.from(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw this.#silent(error);
    }
  }

  async #json<T>(answer: Response): Promise<T> {
    const text = await answer.text();
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.#notUnderstood("it sent no JSON");
    }
  }

  /** What the server refused, in its own words; what is between may answer with a page of its own. */
  async #refusalOf(response: Response): Promise<TminusError> {
    const body: unknown = await response.json().catch(() => undefined); // no JSON: not the server's own answer
    const record = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
    if (isRecord(record)) {
      const { code, message, hint, details } = record;
      const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
      const waits = Number.isFinite(seconds) ? { retryAfterSeconds: seconds } : {};
      return new TminusError(code, message, { hint, details: { ...details, ...waits } });
    }
    const { status } = response;
    return GATEWAY_STATUS.has(status)
      ? this.#silent(new Error(`what is before it says ${status}`))
      : this.#notUnderstood(`status ${status}`);
  }

  #silent(cause: unknown): TminusError {
    return new TminusError("SERVER_SILENT", `${this.url.origin} does not answer: ${reasonOf(cause)}`, {
      cause,
    });
  }

  #notUnderstood(what: string): TminusError {
    const message = `${this.url.origin} does not answer as a tminus server does: ${what}`;
    return new TminusError("SERVER_SILENT", message, {
      hint: "Look whether TMINUS_URL names the server itself, and whether it is of the same version.",
    });
  }
}

/** In ms; undefined when it is not to be sent again. */
function waitBeforeRepeat({ code, details }: TminusError): number | undefined {
  if (code === "REQUEST_OPEN") return OPEN_WAIT_MS;
  const seconds = details.retryAfterSeconds;
  if (code !== "RATE_LIMITED" || typeof seconds !== "number") return undefined;
  return seconds <= LONGEST_RATE_WAIT_SECONDS ? Math.max(1, seconds) * 1000 : undefined;
}

function isRecord(value: unknown): value is ErrorRecord {
  if (typeof value !== "object" || value === null) return false;
  const { code, message, hint, details }: Record<string, unknown> = { ...value };
  return (
    typeof code === "string" &&
    code in errorCodes &&
    typeof message === "string" &&
    typeof hint === "string" &&
    typeof details === "object"
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
