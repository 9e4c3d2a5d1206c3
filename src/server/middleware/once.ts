import type { MiddlewareHandler } from "hono";
import { TminusError } from "../../errors.ts";
import { sha256 } from "../../lib/hash.ts";
import type { ApiEnvironment } from "../api.ts";
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
    if (!["POST", "DELETE"].includes(c.req.method) || who === undefined) return next();
    const key = c.req.header("idempotency-key");
    if (key === undefined || !KEY.test(key))
      throw new TminusError("USAGE_INVALID", "the header Idempotency-Key has 8 to 200 printable characters", {
        hint: "Send a random UUID, and the same one again when you repeat the request.",
      });
    const fingerprint = sha256(`${c.req.method} ${c.req.path}\n${await c.req.text()}`);
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
    if (status < 400)
      await tminus.requests.answer(who.name, key, { status, body: await c.res.clone().text() });
    else if (status < 500) await tminus.requests.forget(who.name, key);
    return undefined;
  };
}
