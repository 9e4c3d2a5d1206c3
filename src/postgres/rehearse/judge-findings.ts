import { LOCK_MODES, type Effect, type LintRule } from "../lint/define-rule.ts";
import type { Finding } from "../lint/finding.ts";
import type { LintRequest } from "../lint/lint-migrations.ts";
import type { SessionOptions } from "../session/connect.ts";
import { modeName } from "./reading.ts";
import type { FileRecord, Rehearsal, Seen } from "./rehearsal.ts";

/** Lints what is pending and holds each finding against the rehearsal. Only reads. Errors: as lintPending. */
export async function judgePending(
  request: LintRequest,
  session: SessionOptions,
  rehearsal: Rehearsal,
): Promise<JudgedFinding[]> {
  // The rules are many files, which most commands do without.
  const { lintPending } = await import("../lint/lint-migrations.ts");
  const { lintRules } = await import("../lint/registry.ts");
  const { findings } = await lintPending(request, session);
  return judgeFindings(findings, lintRules, rehearsal);
}

export interface JudgedFinding {
  finding: Finding;
  /** unseen: the rehearsal did not come there or could not look, or the rule is about something else. */
  verdict: "confirmed" | "dismissed" | "unseen";
  /** A sentence part: "users was written anew". */
  reason: string;
}

/**
 * Pure: what the rehearsal says to each finding of the linter about a lock, a scan or a rewrite of a table that was
 * there before. What a rule claims is taken from the effects that its bad examples show.
 */
export function judgeFindings(
  findings: readonly Finding[],
  rules: readonly LintRule[],
  { files }: Rehearsal,
): JudgedFinding[] {
  const claims = new Map(rules.map(({ id, bad }) => [id, bad.map(({ effect }) => effect)]));
  return findings.map((finding) => {
    const record = files.find(({ file }) => file === finding.file);
    return { finding, ...judge(finding, claims.get(finding.rule) ?? [], record) };
  });
}

type Answer = Pick<JudgedFinding, "verdict" | "reason">;

function judge(finding: Finding, effects: readonly Effect[], record: FileRecord | undefined): Answer {
  const { relation } = finding;
  const rewrites = effects.some((effect) => "rewrites" in effect);
  const scans = effects.some((effect) => "scans" in effect);
  const modes = effects.flatMap((effect) => ("lock" in effect ? [effect.lock] : []));
  if (relation === undefined || (!rewrites && !scans && modes.length === 0))
    return unseen("the rule is not about a lock, a scan or a rewrite");
  const at = record?.statements.findLastIndex(({ line }) => line <= finding.line) ?? -1;
  const next = record?.statements[at];
  if (record === undefined || next === undefined) return unseen("the statement was not rehearsed");
  if (record.outcome !== "passed" && at === record.statements.length - 1 && finding.line > next.line)
    return unseen("the statement was not rehearsed");
  const { seen } = next;
  // What costs more than the lock itself decides, where a rule is about it.
  if (rewrites || scans) {
    if (rewrites && seen.rewrites.includes(relation)) return confirmed(`${relation} was written anew`);
    if (scans && isRead(seen, relation)) return confirmed(`all rows of ${relation} were read`);
    return dismissed(`${relation} was neither read nor written anew`);
  }
  const held = record.statements.slice(0, at + 1).flatMap((statement) => statement.seen.locks);
  const weakest = Math.min(...modes.map((mode) => LOCK_MODES.indexOf(mode)));
  const strength = (mode: string): number => LOCK_MODES.findIndex((name) => modeName(name) === mode);
  const lock = held.find(
    ({ relation: locked, through, mode }) =>
      (locked === relation || through === relation) && strength(mode) >= weakest,
  );
  if (lock !== undefined) return confirmed(`${lock.mode} lock on ${lock.relation}`);
  if (seen.dropped.includes(relation)) return confirmed(`${relation} was dropped`);
  if (!seen.locksSeen) return unseen("nobody could look at the locks");
  return dismissed(
    `no such lock on ${relation}, which ${wasThere(record, relation) ? "was there" : "nobody else uses yet"}`,
  );
}

function isRead({ scans, indexes, rewrites }: Seen, relation: string): boolean {
  const built = indexes.some((index) => index.relation === relation && index.how !== "reused");
  return built || rewrites.includes(relation) || scans.some((scan) => scan.relation === relation);
}

function wasThere({ statements }: FileRecord, relation: string): boolean {
  return statements.some(({ seen }) => seen.locks.some((lock) => lock.relation === relation));
}

const confirmed = (reason: string): Answer => ({ verdict: "confirmed", reason });
const dismissed = (reason: string): Answer => ({ verdict: "dismissed", reason });
const unseen = (reason: string): Answer => ({ verdict: "unseen", reason });
