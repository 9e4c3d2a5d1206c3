import type { Secret } from "../lib/redact.ts";
import type { Actor } from "./actor.ts";

/**
 * Browsers that have signed in. A session ends 12 hours after it was last used, seven days after it began, and when its user
 * gets another password or is disabled; roles are always those of now.
 */
export interface WebSessions {
  /** For somebody who has just signed in. The secret is there only this time. */
  begin(actor: Actor): Promise<{ secret: Secret; expiresAt: Date }>;
  /** Undefined when it is not good, or never was. */
  find(secret: string): Promise<Actor | undefined>;
  /** May be repeated. */
  end(secret: string): Promise<void>;
}

/** What is known of a request that had the same key. */
export type EarlierRequest =
  | { state: "answered"; status: number; body: string }
  | { state: "open" }
  | { state: "other" };

/**
 * Requests that change something, by the key that their sender gave them: sent again, they are answered as the first time.
 * A key is remembered for a day.
 */
export interface RequestLog {
  /** Undefined when the key is new, and is then taken. `fingerprint` tells requests apart: "other" has another one. */
  begin(sender: string, key: string, fingerprint: string): Promise<EarlierRequest | undefined>;
  answer(sender: string, key: string, answer: { status: number; body: string }): Promise<void>;
  /** It did nothing, and may be sent again with the same key. */
  forget(sender: string, key: string): Promise<void>;
}
