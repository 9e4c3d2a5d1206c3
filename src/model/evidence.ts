import * as z from "zod";

/** How large a file may be that somebody hands in: it is kept in the state database for good. */
export const MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024;

/** A piece of evidence. A text is one that a step kept or a file that is UTF-8; everything else is bytes. */
export interface Evidence {
  /** Of a file as its name says it: nothing has looked whether the content is that. */
  mediaType: string;
  content: string | Uint8Array;
}

/** A file that somebody hands in. */
export interface HandedIn {
  /** Its name without folders. */
  name: string;
  content: Uint8Array;
}

/** What is on record of a file that was handed in. */
export const attachmentSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string().min(1).max(255),
  mediaType: z.string().max(100),
});
export type Attachment = z.output<typeof attachmentSchema>;
