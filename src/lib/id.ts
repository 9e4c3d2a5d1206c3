import { randomBytes } from "node:crypto";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** A run id: "r" + 9 characters of time + 4 random ones. Sorts by creation time; safe in paths and URLs. */
export function newRunId(now: Date): string {
  let ms = now.getTime();
  let time = "";
  for (let i = 0; i < 9; i++) {
    time = ALPHABET[ms % 32]! + time;
    ms = Math.floor(ms / 32);
  }
  return `r${time}${randomText(4)}`;
}

/** Random text for keys that only need to be unique, such as worker ids. */
export function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => ALPHABET[byte % 32]!).join("");
}

/** Evenly from 0 up to but not including 1; for spreading retries. */
export function randomFraction(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32;
}
