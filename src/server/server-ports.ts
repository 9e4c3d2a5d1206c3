import type { Context } from "hono";
import type { Clock } from "../lib/clock.ts";
import type { Tminus } from "../model/tminus.ts";
import type { Oidc } from "./oidc.ts";
import type { SetUpCode } from "./set-up-code.ts";

/** What the server is made of; see serve.ts for where it comes from. */
export interface ServerPorts {
  tminus: Tminus;
  clock: Clock;
  setUp: SetUpCode;
  /** Undefined when people sign in with passwords alone. */
  oidc: Oidc | undefined;
  /** Under which people reach it; known once it listens. */
  url: () => string;
  /** Names and ports under which browsers reach it, such as "127.0.0.1:7474". */
  hosts: readonly string[];
  /** The address of whoever is at the other end, for limits. */
  addressOf: (c: Context) => string;
  limits: RateLimits;
  /** Ends the process at once; undefined but in the demo. */
  kill: (() => void) | undefined;
  /** Aborts when the server ends: streams end with it. */
  closing: AbortSignal;
  version: string;
  log: (line: string) => void;
}

/** How much one address may ask for. */
export interface RateLimits {
  requestsPerMinute: number;
  loginsPerQuarterHour: number;
}

/** The numbers of requirement D5's runbooks: 100 requests a minute, five attempts to sign in within 15 minutes. */
export const usualLimits: RateLimits = { requestsPerMinute: 100, loginsPerQuarterHour: 5 };

/** How long a client may take to send. Who sends a byte now and then keeps a connection for no longer. */
export interface Timeouts {
  headersMs: number;
  /** Headers and body. */
  requestMs: number;
}

/** The largest body comes within a minute at 2.2 Mbit/s. */
export const usualTimeouts: Timeouts = { headersMs: 10_000, requestMs: 60_000 };
