import { bucketCount } from "./routing.ts";

const NAME = "tminus-bucket=";

/** The bucket that a Cookie header holds, or -1. */
export function readBucket(cookie: string | undefined): number {
  if (cookie === undefined) return -1;
  let start = cookie.indexOf(NAME);
  while (start > 0 && cookie[start - 1] !== " " && cookie[start - 1] !== ";") {
    start = cookie.indexOf(NAME, start + 1);
  }
  if (start === -1) return -1;
  const end = cookie.indexOf(";", start);
  const text = cookie.slice(start + NAME.length, end === -1 ? undefined : end);
  return /^\d{1,4}$/.test(text) ? Number(text) : -1;
}

/** A bucket for a new client. It only spreads load, so it need not be hard to guess. */
export function assignBucket(): number {
  return Math.floor(Math.random() * bucketCount);
}

/** The Set-Cookie value that keeps a client in its bucket until its browser closes. */
export function bucketCookie(bucket: number): string {
  return `${NAME}${bucket}; Path=/; HttpOnly; SameSite=Lax`;
}
