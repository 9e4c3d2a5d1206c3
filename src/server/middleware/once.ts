import type { Context, MiddlewareHandler } from "hono";
import { TminusError } from "../../errors.ts";
import { sha256 } from "../../lib/hash.ts";
import type { ApiEnvironment } from "../api.ts";
import { READS } from "./same-origin.ts";
import type { ServerPorts } from "../server-ports.ts";

const KEY = /^[\x21-\x7e]{8,200}$/;

/**
 * Carries out a request that changes something once, however often it is sent with its Idempotency-Key
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/): sent again, it gets the first answer. One
 * that was refused did nothing and may come again. Whether one whose answer is missing took effect is not known.
 * Errors: USAGE_INVALID without a key, REQUEST_OPEN, REQUEST_REPEATED.
 */
export function once({ tminus }: Pick<ServerPorts, "tminus">): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const who = c.get("who");
    if (READS.has(c.req.method) || who === undefined) return next();
    const key = c.req.header("idempotency-key");
    if (key === undefined || !KEY.test(key))
      throw new TminusError("USAGE_INVALID", "the header Idempotency-Key has 8 to 200 printable characters", {
        hint: "Send a random UUID, and the same one again when you repeat the request.",
      });
    const fingerprint = sha256(`${c.req.method} ${c.req.url}\n${sha256(await bytesToKnow(c))}`);
    const earlier = await tminus.requests.begin(who.name, key, fingerprint);
    if (earlier?.state === "other")
      throw new TminusError("REQUEST_REPEATED", "the key was used for another request");
    if (earlier?.state === "open")
      throw new TminusError("REQUEST_OPEN", "the first request with this key has no answer yet");
    if (earlier?.state === "answered") {
      const headers = { "content-type": "application/json", "idempotency-replayed": "true" };
      return new Response(earlier.status === 204 ? null : earlier.body, { status: earlier.status, headers });
    }
    await next();
    const { status } = c.res;
    if (isStream(c.res)) await tminus.requests.forget(who.name, key);
    else if (status < 400) {
      const told = c.get("answerToRepeat");
      const answer = told === undefined ? await c.res.clone().text() : JSON.stringify(told);
      await tminus.requests.answer(who.name, key, { status, body: answer });
    } else if (status < 500) await tminus.requests.forget(who.name, key);
    return undefined;
  };
}

/** The body without a password: what is kept of it is a fast hash, from which one could be guessed. */
async function bytesToKnow(c: Context): Promise<Buffer> {
  const body = Buffer.from(await c.req.arrayBuffer());
  if (c.req.header("content-type")?.startsWith("application/json") !== true) return body;
  try {
    const value: unknown = JSON.parse(body.toString());
    // Asked before it is taken apart: a text would come apart into its characters.
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, "password")) return body;
    return Buffer.from(JSON.stringify({ ...value, password: undefined }));
  } catch {
    return body; // no JSON: no route takes it
  }
}

/** Its end is told in it, and nothing of it would be told again: only what changes nothing is answered so. */
function isStream(answer: Response): boolean {
  return answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
}
