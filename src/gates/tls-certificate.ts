import * as z from "zod";
import { lookAtCertificate, type SeenCertificate } from "../lib/certificate.ts";
import { parseDuration } from "../lib/duration.ts";
import { durationSchema, publicUrlSchema } from "../model/runbook.ts";
import type { Verdict } from "../model/verdict.ts";
import { defineGate } from "./define.ts";
import { readProjectFile } from "./project-file.ts";
import type { GateVerdict } from "../model/gate-kind.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  urls: z
    .array(publicUrlSchema)
    .min(1)
    .max(50)
    .optional()
    .describe("https addresses whose certificates are looked at; the environment's url when left out"),
  daysLeft: z.int().min(0).max(3650).default(21).describe("How many days it must still be valid"),
  authorities: z
    .string()
    .min(1)
    .optional()
    .describe("PEM file in the project with the authorities to trust instead of the public ones"),
  timeout: durationSchema.default("10s").describe("Time limit of each connection"),
});

const DAY_MS = 86_400_000;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Passes when a browser would trust the certificates, today and for some days. */
export const tlsCertificate = defineGate({
  kind: "tls.certificate",
  summary: "Passes when the certificate is trusted, is for this host, and stays valid for long enough.",
  requirements: ["B6"],
  notes: [
    "What counts is the first day on which any certificate of the chain ends. A server that cannot be reached shows no certificate: then nothing was found out. Whether a certificate was revoked is not asked.",
  ],
  schema,
  example: "urls: [https://shop.example.com, https://api.shop.example.com]\ndaysLeft: 21\n",

  async check(context): Promise<GateVerdict> {
    const { urls = [context.environment.url], authorities } = context.with;
    const pem =
      authorities === undefined ? undefined : readProjectFile(context.projectDirectory, authorities);
    if (pem?.state === "unreadable") return unknown(pem.reason, "name the PEM file of the authorities");
    const trusted = pem?.text.match(PEM) ?? undefined;
    if (pem !== undefined && trusted === undefined)
      return unknown(`${authorities} has no certificate`, "write the authorities into it, as PEM");
    const all: One[] = [];
    for (const url of urls) {
      const { protocol, hostname, port } = new URL(url);
      if (protocol !== "https:") {
        all.push({ url, verdict: "unknown", reason: `${url} is no https address` });
        continue;
      }
      const seen = await lookAtCertificate({
        host: hostname.replace(/^\[|\]$/g, ""),
        port: port === "" ? 443 : Number(port),
        ...(trusted === undefined ? {} : { authorities: trusted }),
        timeoutMs: parseDuration(context.with.timeout)!,
        signal: context.signal,
      });
      if (seen.kind === "seen") all.push(judge(url, seen, context.with.daysLeft, context.clock.now()));
      else
        all.push({
          url,
          verdict: seen.kind === "no-tls" ? "fail" : "unknown",
          reason: `${url}: ${seen.kind === "no-tls" ? "no TLS connection" : "could not be reached"} (${seen.reason})`,
        });
    }
    return worst(all);
  },
});

interface One {
  url: string;
  verdict: Verdict["verdict"];
  reason: string;
  daysLeft?: number;
  validTo?: string;
}

function judge(url: string, { refusal, chain, names }: SeenCertificate, limit: number, now: Date): One {
  const first = chain.toSorted((one, other) => one.validTo.getTime() - other.validTo.getTime())[0];
  if (first === undefined) return { url, verdict: "unknown", reason: `${url} showed no certificate` };
  const daysLeft = Math.floor((first.validTo.getTime() - now.getTime()) / DAY_MS);
  const facts = { url, daysLeft, validTo: first.validTo.toISOString() };
  const host = new URL(url).hostname;
  if (refusal !== undefined) {
    const isHost = refusal.code === "ERR_TLS_CERT_ALTNAME_INVALID";
    const why = isHost ? `it is not for ${host} but for ${names}` : WORDS[refusal.code];
    return { ...facts, verdict: "fail", reason: `${url}: ${why ?? "it is not trusted"} (${refusal.code})` };
  }
  const until = `until ${facts.validTo.slice(0, 10)}, ${daysLeft} days`;
  if (daysLeft < limit) {
    const whose = first === chain[0] ? "" : ` because of ${first.subject} in its chain`;
    return { ...facts, verdict: "fail", reason: `${url}: valid only ${until}${whose}; ${limit} are wanted` };
  }
  return { ...facts, verdict: "pass", reason: `${url}: valid ${until}` };
}

/** Of OpenSSL's codes, those that people meet. */
const WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "its root is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the server does not send its whole chain, or its root is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the server does not send its whole chain, or its root is not trusted",
};

function worst(all: readonly One[]): GateVerdict {
  const evidence = all.map((one) => ({ ...one }));
  for (const verdict of ["fail", "unknown"] as const) {
    const found = all.filter((one) => one.verdict === verdict);
    if (found.length > 0)
      return {
        verdict,
        reason: found.map(({ reason }) => reason).join("; "),
        evidence,
        fix:
          verdict === "fail"
            ? "renew the certificate, and send it with its whole chain"
            : "check the name and the network, and ask again",
      };
  }
  return { verdict: "pass", reason: all.map(({ reason }) => reason).join("; "), evidence };
}
