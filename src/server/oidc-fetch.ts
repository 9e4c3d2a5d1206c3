import { request } from "../lib/http.ts";

const TIMEOUT_MS = 10_000;

interface Options {
  method: string;
  headers: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** What the OpenID Connect library asks an identity provider by: the addresses come from the provider and are asked like all others. */
export async function oidcFetch(url: string, { method, headers, body, signal }: Options): Promise<Response> {
  const text = body instanceof URLSearchParams ? body.toString() : body;
  if (text !== undefined && text !== null && typeof text !== "string")
    throw new TypeError("a request to an identity provider is a form or a text");
  const answer = await request({
    url,
    method,
    headers,
    timeoutMs: TIMEOUT_MS,
    ...(typeof text === "string" ? { body: text } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.kind !== "response") throw new Error(answer.reason);
  if (answer.truncated) throw new Error("the answer is too long");
  const isEmpty = answer.status === 204 || answer.status === 304;
  return new Response(isEmpty ? null : answer.body, { status: answer.status, headers: answer.headers });
}
