import type { MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { TminusError } from "../../errors.ts";

/** Errors: USAGE_INVALID for a larger body. */
export function limitBody(maxBytes: number): MiddlewareHandler {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new TminusError("USAGE_INVALID", `the request is larger than ${maxBytes} bytes`);
    },
  });
}
