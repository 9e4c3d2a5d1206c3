import { linkHash } from "../../../src/audit/chain.ts";
import type { AuditRecord } from "../../../src/model/audit.ts";
import { fakeTminus, type FakeTminus } from "./fake-tminus.ts";
import type { Case } from "./cases.ts";
import { samplePlan } from "./sample-run.ts";

/** A project's log with one entry, of which `change` may make something else. */
export function audited(change: Partial<AuditRecord & { kind: "entry" }> = {}): FakeTminus {
  const about = { at: "2026-11-21T10:02:00.000000Z", type: "log.began", subject: "shop", actor: "tminus" };
  const hash = linkHash("", ["shop", 1, about.at, about.type, about.subject, about.actor, "{}"]);
  const entry = { kind: "entry", sequence: 1, ...about, data: "{}", previous: "", hash, ...change } as const;
  return fakeTminus(samplePlan(), {
    auditRecords: [
      { kind: "header", version: 1, project: "shop", head: { sequence: 1, hash }, evidence: true },
      entry,
      { kind: "end", records: 2 },
    ],
  });
}

export const auditCases: Case[] = [
  { name: "audit verify", argv: ["audit", "verify"], tminus: () => audited(), exit: 0 },
  {
    name: "audit verify of what was changed",
    argv: ["audit", "verify"],
    tminus: () => audited({ actor: "tom" }),
    exit: 1,
  },
  {
    name: "audit verify of what is no export",
    argv: ["audit", "verify", "--file", "/no/such/file"],
    tminus: () => audited(),
    exit: 2,
    error: "AUDIT_UNREADABLE",
  },
  {
    name: "audit verify of a bundle without a key",
    argv: ["audit", "verify", "--bundle", "run.json"],
    tminus: () => audited(),
    exit: 2,
    error: "USAGE_INVALID",
  },
  {
    name: "audit export to nowhere",
    argv: ["audit", "export", "-o", "/no/such/folder/audit.jsonl"],
    tminus: () => audited(),
    exit: 2,
    error: "USAGE_INVALID",
  },
  { name: "audit key", argv: ["audit", "key"], tminus: () => audited(), exit: 0 },
  {
    name: "audit bundle of no run",
    argv: ["audit", "bundle", "r9", "-o", "run.json"],
    tminus: () => audited(),
    exit: 2,
    error: "RUN_UNKNOWN",
  },
];
