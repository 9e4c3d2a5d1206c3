import type { Context, MiddlewareHandler, Next } from "hono";
import { bodyLimit } from "hono/body-limit";
import { TminusError } from "../../errors.ts";
import type { ApiEnvironment } from "../api.ts";

/** Errors: USAGE_INVALID for a larger body. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new TminusError("USAGE_INVALID", `the request is larger than ${maxBytes} bytes`);
    },
  });
}

export interface BodyLimits {
  /** Of somebody who has signed in. */
  bytes: number;
  strangerBytes: number;
  /** From how many bytes on a body is large; one that does not say how long it is counts as large. */
  largeBytes: number;
  /** How many large ones are dealt with at once. */
  largeAtOnce: number;
}

/**
 * Bounds what bodies take of the memory, also of all requests together: a body is held as bytes, as text and as values.
 * Runs after `identity`. Errors: USAGE_INVALID for a larger or a packed body, RATE_LIMITED when too many large ones are there.
 */
export function limitBodies({
  bytes,
  strangerBytes,
  largeBytes,
  largeAtOnce,
}: BodyLimits): MiddlewareHandler<ApiEnvironment> {
  const known = limitBody(bytes);
  const stranger = limitBody(strangerBytes);
  let large = 0;
  return async (c, next) => {
    if (c.req.raw.body === null) return next();
    if ((c.req.header("content-encoding") ?? "identity") !== "identity")
      throw new TminusError("USAGE_INVALID", "the request's body is packed; send it as it is");
    if (c.get("who") === undefined) return stranger(c as Context, next as Next);
    const length = c.req.header("content-length");
    if (length !== undefined && Number(length) <= largeBytes) return next();
    if (large >= largeAtOnce) {
      c.header("Retry-After", "1");
      throw new TminusError("RATE_LIMITED", "other large requests are under way; wait 1 s");
    }
    large++;
    try {
      return await known(c as Context, next as Next);
    } finally {
      large--;
    }
  };
}
