import type { Context, MiddlewareHandler } from "hono";
import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
import { TminusError } from "../../errors.ts";
import type { ApiEnvironment } from "../api.ts";

export interface Limit {
  /** How many requests of one address pass within the seconds. */
  points: number;
  seconds: number;
  addressOf: (c: Context) => string;
  /** Whether a request that succeeds makes those before it forgotten. */
  forgets?: boolean;
}

/** Counted in this process alone. Errors: RATE_LIMITED, with Retry-After in seconds. */
export function limitRates({
  points,
  seconds,
  addressOf,
  forgets,
}: Limit): MiddlewareHandler<ApiEnvironment> {
  const limiter = new RateLimiterMemory({ points, duration: seconds });
  return async (c, next) => {
    const address = addressOf(c);
    const waitMs = await limiter.consume(address).then(
      () => 0,
      (refusal: RateLimiterRes) => refusal.msBeforeNext,
    );
    if (waitMs === 0) {
      await next();
      if (forgets === true && c.res.ok) await limiter.delete(address);
      return;
    }
    const wait = Math.ceil(waitMs / 1000);
    c.header("Retry-After", String(wait));
    throw new TminusError("RATE_LIMITED", `more than ${points} requests within ${seconds} s; wait ${wait} s`);
  };
}
