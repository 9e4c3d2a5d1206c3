import { resolve } from "node:path";
import type { DatabasePlace } from "../../model/database.ts";
import type { ScratchDatabase } from "../../model/ports.ts";
import { restoreToRehearse } from "../../postgres/rehearse/from-backup.ts";
import { judgeRehearsal, type Demands, type Judgement } from "../../postgres/rehearse/judge.ts";
import { judgePending, type JudgedFinding } from "../../postgres/rehearse/judge-findings.ts";
import { readPending, rehearsePending } from "../../postgres/rehearse/rehearse-pending.ts";
import { findingLines, rehearsalLines } from "../../postgres/rehearse/report.ts";
import type { Rehearsal } from "../../postgres/rehearse/rehearsal.ts";
import { pickProven } from "./backup.ts";
import type { FormatChoice } from "./status.ts";

export type { JudgedFinding };

const READ_TIMEOUT_MS = 15_000;
const RESTORE_TIMEOUT_MS = 6 * 60 * 60 * 1000;
const JOBS = 2;

export interface RehearsalRequest {
  /** Folder of the migrations, from the project folder. */
  folder: string;
  format: FormatChoice;
  tier: 0 | 1 | 2;
  /** For tier 2: name of the backup, or a path to its folder; the newest proven one when left out. */
  backup?: string | undefined;
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
  { folder, format, tier, backup, canaries, prelude, demands, signal, progress }: RehearsalRequest,
): Promise<RehearsalAnswer> {
  const session = {
    connectionString: place.connectionString.reveal(),
    purpose: "look",
    statementTimeoutMs: READ_TIMEOUT_MS,
    signal,
  };
  const { projectDirectory, scratch, clock } = place;
  const request = { directory: resolve(projectDirectory, folder), format };
  const files = await readPending({ ...request, session });
  const told = (text: string): void => progress(place.redact(text));
  const createClone = async (): Promise<ScratchDatabase> =>
    restoreToRehearse(await pickProven(place, { jobs: JOBS }, backup), files, {
      ...request,
      session,
      scratch,
      jobs: JOBS,
      statementTimeoutMs: RESTORE_TIMEOUT_MS,
      clock,
      signal,
      progress: told,
    });
  if (files.pending.length > 0) progress(`rehearsing ${files.pending.length} files`);
  const rehearsal = await rehearsePending(files, session, {
    place: tier === 0 ? { tier } : tier === 1 ? { tier, scratch } : { tier, createClone },
    canaries,
    prelude: prelude === undefined ? undefined : resolve(projectDirectory, prelude),
    clock,
    signal,
    progress: told,
  });
  const judgement = judgeRehearsal(rehearsal, demands);
  const findings = await judgePending(request, session, rehearsal);
  return {
    rehearsal,
    ...judgement,
    findings,
    lines: [...rehearsalLines(rehearsal, judgement), ...findingLines(findings)],
  };
}
