import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import * as z from "zod";
import { TminusError } from "../errors.ts";

/** Dead Simple Signing Envelope 1.0 with ed25519 signatures: https://github.com/secure-systems-lab/dsse. */

const base64Schema = z.base64();

const envelopeSchema = z.object({
  payloadType: z.string(),
  payload: base64Schema,
  signatures: z.array(z.object({ keyid: z.string().optional(), sig: base64Schema })).min(1),
});

export type Envelope = z.output<typeof envelopeSchema>;

/** An envelope around the payload. `key` is an ed25519 private key. */
export function signEnvelope(payloadType: string, payload: string, key: KeyObject): Envelope {
  const bytes = Buffer.from(payload);
  const signature = sign(null, preAuthEncoding(payloadType, bytes), key);
  return {
    payloadType,
    payload: bytes.toString("base64"),
    signatures: [{ keyid: keyId(createPublicKey(key)), sig: signature.toString("base64") }],
  };
}

/**
 * The payload when one of the signatures is the key's, else undefined. Key ids are hints and are not looked at.
 * Errors: AUDIT_UNREADABLE.
 */
export function openEnvelope(
  text: string,
  key: KeyObject,
): { payloadType: string; payload: string } | undefined {
  const { payloadType, payload, signatures } = parseEnvelope(text);
  const bytes = Buffer.from(payload, "base64");
  const signed = preAuthEncoding(payloadType, bytes);
  const isOurs = signatures.some(({ sig }) => verify(null, signed, key, Buffer.from(sig, "base64")));
  return isOurs ? { payloadType, payload: bytes.toString("utf8") } : undefined;
}

/** SHA-256 of the key's DER form. */
export function keyId(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
}

/** What is signed: the type and the payload with their lengths, so that neither can be read as part of the other. */
function preAuthEncoding(payloadType: string, payload: Buffer): Buffer {
  const head = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}

function parseEnvelope(text: string): Envelope {
  try {
    return envelopeSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new TminusError("AUDIT_UNREADABLE", "this is no signed envelope (DSSE)", {
      hint: "Give a file that tminus audit bundle wrote.",
      cause: error,
    });
  }
}
