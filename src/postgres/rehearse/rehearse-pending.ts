import { readFile } from "node:fs/promises";
import { TminusError } from "../../errors.ts";
import {
  discoverHistory,
  readStanding,
  type FormatChoice,
  type Standing,
} from "../migrations/read-history.ts";
import { readOnly, type SessionOptions } from "../session/connect.ts";
import { splitStatements } from "../sql/statements.ts";
import { readProduction } from "./production.ts";
import { rehearse, type RehearseOptions } from "./rehearse.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { RehearsedFile } from "./run-statements.ts";

export interface PendingOptions {
  /** Folder of the migrations. */
  directory: string;
  format: FormatChoice;
  /** The database that the files are meant for; only looked at. */
  session: SessionOptions;
}

export interface PendingFiles extends Standing {
  filesDigest: string;
  /** Those that have run, oldest first. */
  history: RehearsedFile[];
}

/** Which files have run and which have not. Reads only. Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE. */
export async function readPending({
  directory,
  format: choice,
  session,
}: PendingOptions): Promise<PendingFiles> {
  const { format, migrations, digest } = await discoverHistory(directory, choice);
  const standing = await readOnly(session, (open) => readStanding(open, format, migrations));
  return { ...standing, filesDigest: digest, history: standing.ran };
}

/**
 * Rehearses what is pending. `prelude`: a file of SQL for what production has without the files. Reads the
 * database that they are meant for, and changes only the rehearsal's own. Errors: MIGRATION_INVALID,
 * MIGRATION_REFUSED when the files do not fit what has run, DATABASE_UNREACHABLE, STATE_UNAVAILABLE, STATE_PLATFORM.
 */
export async function rehearsePending(
  { history, pending, problems }: PendingFiles,
  session: SessionOptions,
  options: Omit<RehearseOptions, "history" | "pending" | "production" | "prelude"> & {
    prelude?: string | undefined;
  },
): Promise<Rehearsal> {
  if (problems.length > 0) {
    throw new TminusError("MIGRATION_REFUSED", problems.map(({ reason }) => reason).join("\n"), {
      hint: problems[0]!.fix,
    });
  }
  const prelude = options.prelude === undefined ? undefined : await readPrelude(options.prelude);
  const production = await readProduction(session);
  return rehearse({ ...options, history, pending, production, prelude });
}

async function readPrelude(path: string): Promise<RehearsedFile> {
  let sql: string;
  try {
    sql = await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TminusError("MIGRATION_INVALID", `the prelude could not be read: ${reason}`, {
      hint: "Name a file of SQL that makes what the database has without the migrations.",
      cause: error,
    });
  }
  const { statements, problem } = splitStatements(sql);
  if (problem !== undefined)
    throw new TminusError("MIGRATION_INVALID", `${path}:${problem.line}:${problem.column}: ${problem.text}`);
  return { file: path, version: "0", transactional: true, up: statements };
}
