import { TminusError } from "../../errors.ts";
import type { HistoryFormat } from "../migrations/migration.ts";
import { discoverHistory, readStanding, type FormatChoice } from "../migrations/read-history.ts";
import { readOnly, type SessionOptions } from "../session/connect.ts";
import { lint, type LintReport } from "./lint.ts";
import type { LintRule, TableSizes } from "./define-rule.ts";
import { readLintFolder, type LintFolder } from "./read-folder.ts";
import { readTableSizes } from "./read-sizes.ts";
import { lintRules } from "./registry.ts";

export interface LintRequest {
  /** Folder of the migrations. */
  directory: string;
  format: FormatChoice;
  /** Rules of taste, too. */
  style?: boolean;
}

export interface FolderReport extends LintReport {
  format: HistoryFormat;
  /** Changes when a file is added, removed, renamed or edited. */
  filesDigest: string;
  /** What keeps the files from running whatever is in them; empty when no database was asked. */
  problems: { reason: string; fix: string }[];
}

export interface PendingReport extends FolderReport {
  /** Paths below the folder, oldest first. */
  pending: string[];
  /** Changes when anybody applies or takes back a migration. */
  ledgerDigest: string;
}

/** Lints every file of a folder, each as a deploy of its own. No database is needed. Errors: MIGRATION_INVALID. */
export async function lintFolder({ directory, format, style }: LintRequest): Promise<FolderReport> {
  const folder = await readLintFolder(directory, format);
  const report = await lint(folder.files, { rules: rulesFor(style) });
  return { ...report, format: folder.format, filesDigest: folder.digest, problems: [] };
}

/**
 * Lints what is pending in a database, as one deploy, with the sizes that its tables have now. Only reads.
 * Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE.
 */
export async function lintPending(request: LintRequest, session: SessionOptions): Promise<PendingReport> {
  const { folder, pending, sizes, problems, filesDigest, ledgerDigest } = await lookAtPending(
    request,
    session,
  );
  const report = await lint(folder.files, {
    rules: rulesFor(request.style),
    isAsked: ({ file }) => pending.includes(file),
    isOneBatch: true,
    sizes,
  });
  return { ...report, format: folder.format, filesDigest, problems, pending, ledgerDigest };
}

export interface PendingLook extends Pick<
  PendingReport,
  "pending" | "problems" | "filesDigest" | "ledgerDigest"
> {
  folder: LintFolder;
  sizes: TableSizes;
}

/** The files of a folder and which of them are pending in a database. Only reads. Errors: as lintPending. */
export async function lookAtPending(
  { directory, format: choice }: LintRequest,
  session: SessionOptions,
): Promise<PendingLook> {
  const { format, migrations, digest } = await discoverHistory(directory, choice);
  const folder = await readLintFolder(directory, format);
  const { standing, sizes } = await readOnly(session, async (open) => ({
    standing: await readStanding(open, format, migrations),
    sizes: await readTableSizes(open),
  }));
  const pending = standing.pending.map(({ file }) => file);
  const unread = pending.filter((name) => !folder.files.some(({ file }) => file === name));
  if (unread.length > 0)
    throw new TminusError("MIGRATION_INVALID", `${unread.join(", ")}: the file changed while it was read`);
  const problems = standing.problems.map(({ reason, fix }) => ({ reason, fix }));
  return { folder, pending, sizes, problems, filesDigest: digest, ledgerDigest: standing.digest };
}

/** Those of taste only when they are asked for. */
export function rulesFor(style = false): readonly LintRule[] {
  return style ? lintRules : lintRules.filter((rule) => rule.style !== true);
}
