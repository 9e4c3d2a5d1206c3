import { sha256 } from "../lib/hash.ts";
import type { Evidence } from "../model/evidence.ts";
import { query, storedText, type Pool } from "./pool.ts";

/** Undefined when there is none with this SHA-256. */
export async function readEvidence(pool: Pool, hash: string): Promise<Evidence | undefined> {
  const [row] = await query<{ content: string | null; bytes: Buffer | null; media_type: string }>(
    pool,
    "select content, bytes, media_type from tminus.evidence where sha256 = $1",
    [hash],
  );
  return row === undefined
    ? undefined
    : { mediaType: row.media_type, content: row.content ?? row.bytes ?? "" };
}

/** A text that a step kept; undefined also for what is none. */
export async function readEvidenceText(pool: Pool, hash: string): Promise<string | undefined> {
  const content = (await readEvidence(pool, hash))?.content;
  return typeof content === "string" ? content : undefined;
}

/**
 * Keeps it and returns its SHA-256. May be repeated; the first media type stands. In a text U+0000 and half surrogate pairs
 * become U+FFFD; bytes stay as they are.
 */
export async function keepEvidence(pool: Pool, { content, mediaType }: Evidence): Promise<string> {
  const stored = typeof content === "string" ? storedText(content) : content;
  const hash = sha256(stored);
  const isText = typeof stored === "string";
  await query(
    pool,
    "insert into tminus.evidence (sha256, content, bytes, media_type) values ($1, $2, $3, $4) on conflict do nothing",
    [hash, isText ? stored : null, isText ? null : Buffer.from(stored), mediaType],
  );
  return hash;
}
