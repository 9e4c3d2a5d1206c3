import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import type { Secret } from "../../lib/redact.ts";
import { durationSchema, publicUrlSchema, referenceSchema, type IssueParams } from "../../model/runbook.ts";

const MAX_TIMEOUT_MS = 60_000;

/** An address in the open, or the reference of one that holds a secret. */
export const addressSchema = z
  .string()
  .refine((text) => publicUrlSchema.safeParse(text).success || referenceSchema.safeParse(text).success, {
    error: "is neither an http(s) address nor a reference",
    params: {
      hint: 'write it like https://prometheus.example.com, or "env:NAME" when it holds a password or token',
      secret: true,
    } satisfies IssueParams,
  });

/** How a source proves to a server who it is. */
export const credentialFields = {
  token: referenceSchema.optional().describe("Reference of a token that is sent as Authorization: Bearer"),
  basic: z
    .strictObject({
      user: z.string().min(1).max(200).describe("User name"),
      password: referenceSchema.describe("Reference of the password"),
    })
    .optional()
    .describe("User and password that are sent as Authorization: Basic"),
};

export const timeoutSchema = durationSchema
  .refine(
    (text) => {
      const ms = parseDuration(text);
      return ms === undefined || (ms > 0 && ms <= MAX_TIMEOUT_MS); // what is no duration was refused before
    },
    { error: "must be more than nothing and at most 60s" },
  )
  .default("10s")
  .describe("Time limit of one request; what takes longer was not seen");

export interface Credentials {
  token?: string | undefined;
  basic?: { user: string; password: string } | undefined;
}

/** Refinement for settings with credentialFields. */
export function hasOneCredential({ token, basic }: Credentials): boolean {
  return token === undefined || basic === undefined;
}

/** What is said when hasOneCredential is false. */
export const oneCredentialIssue = {
  error: "has both token and basic; only one can be sent",
  path: ["basic"],
};

/** The value of an address. Throws SECRET_MISSING. */
export function openAddress(address: string, secret: (reference: string) => Secret): string {
  return referenceSchema.safeParse(address).success ? secret(address).reveal() : address;
}

/** The header that proves who asks, none without credentials. Throws SECRET_MISSING. */
export function authorization(
  { token, basic }: Credentials,
  secret: (reference: string) => Secret,
): Record<string, string> {
  if (token !== undefined) return { authorization: `Bearer ${secret(token).reveal()}` };
  if (basic === undefined) return {};
  const pair = `${basic.user}:${secret(basic.password).reveal()}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}
