import { resolve } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import { judgeRehearsal, type Demands, type Judgement } from "../../postgres/rehearse/judge.ts";
import { judgePending, type JudgedFinding } from "../../postgres/rehearse/judge-findings.ts";
import { readPending, rehearsePending } from "../../postgres/rehearse/rehearse-pending.ts";
import { findingLines, rehearsalLines } from "../../postgres/rehearse/report.ts";
import type { Rehearsal } from "../../postgres/rehearse/rehearsal.ts";
import type { FormatChoice } from "./status.ts";

export type { JudgedFinding };

const READ_TIMEOUT_MS = 15_000;

export interface RehearsalRequest {
  /** Folder of the migrations, from the project folder. */
  folder: string;
  format: FormatChoice;
  tier: 0 | 1;
  canaries: readonly string[];
  /** File of SQL, from the project folder. */
  prelude?: string | undefined;
  demands: Demands;
  signal: AbortSignal;
  progress: (text: string) => void;
}

export interface RehearsalAnswer extends Judgement {
  rehearsal: Rehearsal;
  /** What the linter found in the pending files, and what the rehearsal says to it. */
  findings: JudgedFinding[];
  /** All of it for people. */
  lines: string[];
}

/**
 * Rehearses what is pending in a scratch database. Reads the database that it is meant for.
 * Errors: MIGRATION_INVALID, MIGRATION_REFUSED, DATABASE_UNREACHABLE, STATE_UNAVAILABLE, STATE_PLATFORM.
 */
export async function rehearseDatabase(
  place: DatabasePlace,
  { folder, format, tier, canaries, prelude, demands, signal, progress }: RehearsalRequest,
): Promise<RehearsalAnswer> {
  const session = {
    connectionString: place.connectionString.reveal(),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
  const { projectDirectory, scratch, clock } = place;
  const files = await readPending({ directory: resolve(projectDirectory, folder), format, session });
  if (files.pending.length > 0) progress(`rehearsing ${files.pending.length} files`);
  const rehearsal = await rehearsePending(files, session, {
    place: tier === 0 ? { tier } : { tier, scratch },
    canaries,
    prelude: prelude === undefined ? undefined : resolve(projectDirectory, prelude),
    clock,
    signal,
    progress: (text) => progress(place.redact(text)),
  });
  const judgement = judgeRehearsal(rehearsal, demands);
  const request = { directory: resolve(projectDirectory, folder), format };
  const findings = await judgePending(request, session, rehearsal);
  return {
    rehearsal,
    ...judgement,
    findings,
    lines: [...rehearsalLines(rehearsal, judgement), ...findingLines(findings)],
  };
}
