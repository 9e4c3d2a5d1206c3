import { randomUUID } from "node:crypto";
import { errorCodes } from "../error-codes.ts";
import { TminusError, hasCode } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import { deadline } from "../lib/clock.ts";
import { EventStreamReader, type StreamPart } from "../lib/event-stream.ts";
import type { Secret } from "../lib/redact.ts";

export interface ConnectionOptions {
  /** Of the server, as checkedUrl gives it. */
  url: URL;
  token: Secret | undefined;
  clock: Clock;
}

interface Sent {
  method?: "POST" | "DELETE";
  json?: object;
  bytes?: Uint8Array;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A server that is started again is back within seconds. */
const RETRY_WAITS_MS = [300, 700, 1500, 3000, 5000];
/** A request whose first try was cut off may be at work for as long as a plan may take to be made again. */
const OPEN_WAIT_MS = 2000;
const LONGEST_OPEN_MS = 660_000;
const LONGEST_RATE_WAIT_SECONDS = 60;
const ANSWER_MS = 280_000;

/**
 * Where --url or TMINUS_URL says the server is. Errors: USAGE_INVALID, also for an address on another machine to which the
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
  #authorization: Record<string, string>;

  constructor({ url, token, clock }: ConnectionOptions) {
    this.url = url;
    this.#clock = clock;
    this.#authorization = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.#answer(path, signal === undefined ? {} : { signal });
    return (await response.json()) as T;
  }

  async getText(path: string): Promise<string> {
    return (await this.#answer(path, {})).text();
  }

  /** `headers`: names in lower case. */
  async getBytes(path: string): Promise<{ headers: Headers; bytes: Uint8Array }> {
    const response = await this.#answer(path, {});
    return { headers: response.headers, bytes: new Uint8Array(await response.arrayBuffer()) };
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
  async send<T>(method: "POST" | "DELETE", path: string, json?: object, signal?: AbortSignal): Promise<T> {
    const response = await this.#answer(path, {
      method,
      ...(json === undefined ? {} : { json }),
      ...(signal === undefined ? {} : { signal }),
    });
    return (await response.json()) as T;
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
  async upload<T>(path: string, bytes: Uint8Array): Promise<T> {
    return (await (await this.#answer(path, { method: "POST", bytes })).json()) as T;
  }

  /** Signs in; from then on requests are those of the session. */
  async signIn(name: string, password: Secret): Promise<void> {
    const json = { name, password: password.reveal() };
    const response = await this.#answer("/session", { method: "POST", json, headers: this.#asBrowser() });
    const cookie = response.headers.getSetCookie()[0]?.split(";")[0];
    if (cookie === undefined) throw notUnderstood(this.url, "it set no cookie");
    this.#authorization = { cookie, ...this.#asBrowser() };
  }

  /** Parts as they come; ends when the server ends it. Not tried again. */
  async *stream(path: string, sent: Sent & { signal: AbortSignal }): AsyncIterable<StreamPart> {
    const response = await this.#reach(path, {
      ...sent,
      headers: { accept: "text/event-stream", "idempotency-key": randomUUID(), ...sent.headers },
    });
    if (!response.ok) throw await refusalOf(this.url, response);
    const reader = new EventStreamReader();
    const text = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const chunk of text as AsyncIterable<string>) yield* reader.push(chunk);
  }

  /** Programs that act in a session say which pages they would be of. */
  #asBrowser(): Record<string, string> {
    return { origin: this.url.origin };
  }

  async #answer(path: string, sent: Sent): Promise<Response> {
    const key = sent.method === undefined ? {} : { "idempotency-key": randomUUID() };
    const begunMs = this.#clock.monotonicMs();
    const waitsMs = [...RETRY_WAITS_MS];
    for (;;) {
      const limit = deadline(ANSWER_MS, sent.signal);
      let response: Response;
      try {
        response = await this.#reach(path, { ...sent, headers: { ...key, ...sent.headers }, signal: limit });
      } catch (error) {
        sent.signal?.throwIfAborted();
        const waitMs = waitsMs.shift();
        if (waitMs === undefined || !hasCode(error, "SERVER_SILENT")) throw error;
        await this.#clock.sleep(waitMs, sent.signal);
        continue;
      }
      if (response.ok) return response;
      const error = await refusalOf(this.url, response);
      const waitMs = this.#waitBeforeRepeat(error, response, this.#clock.monotonicMs() - begunMs);
      if (waitMs === undefined) throw error;
      await this.#clock.sleep(waitMs, sent.signal);
    }
  }

  /** Undefined when it is not to be sent again. */
  #waitBeforeRepeat(error: TminusError, response: Response, sinceMs: number): number | undefined {
    if (error.code === "REQUEST_OPEN" && sinceMs < LONGEST_OPEN_MS) return OPEN_WAIT_MS;
    if (error.code !== "RATE_LIMITED") return undefined;
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    return seconds <= LONGEST_RATE_WAIT_SECONDS ? seconds * 1000 : undefined;
  }

  async #reach(path: string, { method, json, bytes, headers, signal }: Sent): Promise<Response> {
    const body = json === undefined ? bytes : JSON.stringify(json);
    const type =
      body === undefined
        ? {}
        : { "content-type": json === undefined ? "application/octet-stream" : "application/json" };
    try {
      return await fetch(new URL(`/api${path}`, this.url), {
        method: method ?? "GET",
        headers: { ...this.#authorization, ...type, ...headers },
        // The token is for this server alone.
        redirect: "error",
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : Uint8Array.from(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      throw new TminusError("SERVER_SILENT", `${this.url.origin} does not answer: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** What the server refused, in its own words; what is between may answer with a page of its own. */
async function refusalOf(url: URL, response: Response): Promise<TminusError> {
  const body: unknown = await response.json().catch(() => undefined); // no JSON: not the server's own answer
  const record = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
  if (!isRecord(record)) return notUnderstood(url, `status ${response.status}`);
  const { code, message, hint, details } = record;
  return new TminusError(code, message, { hint, details });
}

function isRecord(value: unknown): value is {
  code: keyof typeof errorCodes;
  message: string;
  hint: string;
  details: Record<string, unknown>;
} {
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

function notUnderstood(url: URL, what: string): TminusError {
  return new TminusError("SERVER_SILENT", `${url.origin} does not answer as a tminus server does: ${what}`, {
    hint: "Look whether TMINUS_URL names the server itself, and whether it is of the same version.",
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
