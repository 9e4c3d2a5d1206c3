import { TminusError } from "../errors.ts";
import { mediaTypeOf, textOf } from "../lib/media-type.ts";
import { MAX_ATTACHMENT_BYTES, type Attachment } from "../model/evidence.ts";
import type { Tminus } from "../model/tminus.ts";
import { keepEvidence, readEvidence } from "../store/evidence.ts";
import type { Pool } from "../store/pool.ts";

type EvidenceCalls = Pick<Tminus, "evidence" | "handIn">;

const MIB = 1024 * 1024;

/** What is kept as proof, by its SHA-256. */
export function openEvidenceCalls(pool: () => Promise<Pool>): EvidenceCalls {
  return {
    evidence: async (sha256) => readEvidence(await pool(), sha256),

    async handIn({ name, content }) {
      if (content.byteLength === 0) throw new TminusError("USAGE_INVALID", `${name} is empty`);
      if (content.byteLength > MAX_ATTACHMENT_BYTES) throw tooLarge(name, content.byteLength);
      const text = textOf(content);
      const mediaType = mediaTypeOf(name, text !== undefined);
      const sha256 = await keepEvidence(await pool(), { content: text ?? content, mediaType });
      return { sha256, name, mediaType };
    },
  };
}

/** Errors: USAGE_INVALID when no such evidence is kept. */
export async function requireKept(pool: Pool, { name, sha256 }: Attachment): Promise<void> {
  if ((await readEvidence(pool, sha256)) === undefined)
    throw new TminusError("USAGE_INVALID", `${name} was not handed in: there is no evidence ${sha256}`);
}

/** What is said of a file that is too large. */
export function tooLarge(name: string, bytes: number): TminusError {
  return new TminusError(
    "USAGE_INVALID",
    `${name} has ${(bytes / MIB).toFixed(1)} MiB, and an attachment has at most ${MAX_ATTACHMENT_BYTES / MIB} MiB`,
    { hint: "Hand in an excerpt, or keep the file elsewhere and say where in --note." },
  );
}
