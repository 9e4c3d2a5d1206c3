import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/** SHA-256 as 64 lower-case hex digits. */
export function sha256(data: string | Uint8Array): string {
  return hash("sha256", data);
}

/**
 * Canonical JSON (RFC 8785): equal values give equal bytes whatever the order of their keys.
 * Undefined members are left out; functions and cycles are refused by the library.
 */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("the value has no JSON form");
  return text;
}

/** SHA-256 of the canonical JSON. */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}
