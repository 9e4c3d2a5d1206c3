import { timingSafeEqual } from "node:crypto";
import { sha256 } from "../lib/hash.ts";
import { randomText } from "../lib/id.ts";

/** What makes the first user: known to whoever sees the server start, and good as long as there is no user. */
export interface SetUpCode {
  readonly code: string;
  matches(given: string): boolean;
}

export function newSetUpCode(): SetUpCode {
  const code = randomText(40);
  const wanted = Buffer.from(sha256(code));
  return { code, matches: (given) => timingSafeEqual(wanted, Buffer.from(sha256(given))) };
}
