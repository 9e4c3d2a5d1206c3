import type { ErrorBody } from "../../src/server/contract/error.ts";
import { eventParts } from "./event-parts.ts";

/** What the server refused, in its own words; `code` is one of docs/errors.md, or UNREACHABLE when it did not answer. */
export class ApiError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly details: Record<string, unknown>;
  readonly status: number;

  constructor(status: number, { code, message, hint, details }: Refusal) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.details = details;
  }
}

interface Refusal {
  code: string;
  message: string;
  hint: string;
  details: Record<string, unknown>;
}

const LONGEST_WAIT_SECONDS = 30;
const MAX_TRIES = 3;

/** The JSON of a resource below /api. Errors: ApiError. A server that asks to wait is asked again after that, twice at most. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await answerTo(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/** A resource that is text. Errors: ApiError. */
export async function getText(path: string): Promise<string> {
  return (await answerTo(path, {})).text();
}

/** Sends what changes something, with a key by which the server knows it when it comes again. Errors: ApiError. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
export async function send<T>(
  method: "POST" | "DELETE",
  path: string,
  body?: object | File,
  key: string = crypto.randomUUID(),
): Promise<T> {
  const isFile = body instanceof File;
  const type = isFile ? "application/octet-stream" : "application/json";
  const response = await answerTo(path, {
    method,
    headers: {
      "idempotency-key": key,
      ...(body === undefined ? {} : { "content-type": type }),
    },
    ...(body === undefined ? {} : { body: isFile ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return (text === "" ? {} : JSON.parse(text)) as T;
}

/** Has something made that takes long, and is told meanwhile what is looked at. Errors: ApiError. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
export async function make<T>(path: string, body: object, progress: (text: string) => void): Promise<T> {
  const headers = { "idempotency-key": crypto.randomUUID(), "content-type": "application/json" };
  const response = await answerTo(path, { method: "POST", headers, body: JSON.stringify(body) });
  try {
    for await (const part of eventParts(response)) {
      if (part.kind !== "message") continue;
      const said: unknown = JSON.parse(part.data);
      if (part.event === "progress") progress(String(said));
      if (part.event === "error") throw new ApiError(response.status, said as Refusal);
      if (part.event === "result") return said as T;
    }
  } catch (error) {
    if (error instanceof ApiError) throw error; // otherwise the stream was cut
  }
  throw unreachable();
}

async function answerTo(path: string, init: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const response = await reach(path, init);
    if (response.ok) return response;
    const waitSeconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const mayRepeat = init.method === undefined && response.status === 429 && attempt < MAX_TRIES;
    if (!mayRepeat || !(waitSeconds <= LONGEST_WAIT_SECONDS)) throw await refusalOf(response);
    await new Promise((done) => setTimeout(done, waitSeconds * 1000));
  }
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(`/api${path}`, { credentials: "same-origin", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  }
}

function unreachable(): ApiError {
  return new ApiError(0, {
    code: "UNREACHABLE",
    message: "the server does not answer",
    hint: "Runs go on without it. Try again in a moment, or look with: tminus status",
    details: {},
  });
}

async function refusalOf(response: Response): Promise<ApiError> {
  const known: unknown = await response.json().catch(() => undefined); // what is between may answer with a page of its own
  if (isErrorBody(known)) return new ApiError(response.status, known.error);
  return new ApiError(response.status, {
    code: "INTERNAL",
    message: `the server answered with ${response.status}`,
    hint: "Look at what the server printed.",
    details: {},
  });
}

function isErrorBody(value: unknown): value is ErrorBody {
  return typeof value === "object" && value !== null && "error" in value;
}
