import { TminusError } from "../../../errors.ts";
import type { HistoryFormat } from "../../migrations/migration.ts";
import type { SessionOptions } from "../../session/connect.ts";
import type { BackfillReplacement, TableSizes } from "../define-rule.ts";
import type { Finding } from "../finding.ts";
import { lint } from "../lint.ts";
import type { LintFile } from "../lint-file.ts";
import { lookAtPending, rulesFor, type LintRequest } from "../lint-migrations.ts";
import { lintFileOf, readLintFolder, type LintFolder } from "../read-folder.ts";
import type { RewrittenFile } from "../rewrite/rewrite-file.ts";
import { fixFile } from "./fix-file.ts";
import { nameFiles } from "./name-files.ts";
import { textOf } from "./text-of.ts";

/** One file and what would stand in its place. */
export interface FixedFile {
  /** Path below the folder. */
  original: string;
  /** What the original holds: it is replaced only while it does. */
  content: string;
  /** In the order in which they run; the first mostly has the path of the original. Empty: only backfills are left. */
  files: { file: string; text: string; transactional: boolean; phase: LintFile["phase"] }[];
  /** Steps for the runbook, behind db.migrate and before db.contract. */
  backfills: BackfillReplacement["backfill"][];
  /** Which rules had it rewritten. */
  rules: string[];
  declared: RewrittenFile["declared"];
  /** What a person has to know or do. */
  notes: string[];
}

export interface FixPlan {
  format: HistoryFormat;
  fixed: FixedFile[];
  /** What blocks or asks when all of that is written, with the reason why it is not rewritten. */
  left: (Finding & { reason: string })[];
  /** What keeps the files from running whatever is in them; empty when no database was asked. */
  problems: { reason: string; fix: string }[];
  /** All files as they are, and as they would be, oldest first. */
  before: LintFile[];
  after: LintFile[];
}

/**
 * What rewriting the files of a folder comes to: of those that are pending in a database, or of all when none is
 * given. Writes nothing. Errors: MIGRATION_INVALID, DATABASE_UNREACHABLE.
 */
export async function planFix(request: LintRequest, session: SessionOptions | undefined): Promise<FixPlan> {
  const look = session === undefined ? undefined : await lookAtPending(request, session);
  const folder = look?.folder ?? (await readLintFolder(request.directory, request.format));
  const isMeant = ({ file }: LintFile): boolean => look?.pending.includes(file) ?? true;
  const options = {
    rules: rulesFor(request.style),
    isOneBatch: look !== undefined,
    ...(look === undefined ? {} : { sizes: look.sizes as TableSizes }),
  };
  const now = await lint(folder.files, { ...options, isAsked: isMeant });
  // To rewrite a file is to lint all before it again: only where something was found.
  const found = new Set(now.findings.map(({ file }) => file));
  const fixed: FixedFile[] = [];
  const after: LintFile[] = [];
  const asked: LintFile[] = [];
  const reasons = new Map<string, string>();
  for (const [position, file] of folder.files.entries()) {
    const next = folder.files[position + 1]?.file;
    const isFound = isMeant(file) && found.has(file.file);
    const followers =
      look === undefined
        ? []
        : folder.files.slice(position + 1).filter((each) => isMeant(each) && each.phase !== "contract");
    const done = isFound
      ? await fixOne(folder, file, next, { after, asked, options: { ...options, followers } })
      : undefined;
    if (done !== undefined && "reason" in done) reasons.set(file.file, done.reason);
    const files =
      done === undefined || "reason" in done
        ? [file]
        : done.files.map((each) => lintFileOf(folder.format, each.file, each.text));
    if (done !== undefined && !("reason" in done)) fixed.push(done);
    after.push(...files);
    if (isMeant(file)) asked.push(...files);
  }
  const report = await lint(after, { ...options, isAsked: (file) => asked.includes(file), rewrites: true });
  const left = report.findings
    .filter(({ severity }) => severity !== "note")
    .map((finding) => ({ ...finding, reason: reasonOf(finding, reasons) }));
  return { format: folder.format, fixed, left, problems: look?.problems ?? [], before: folder.files, after };
}

interface SoFar {
  after: readonly LintFile[];
  asked: readonly LintFile[];
  options: {
    rules: ReturnType<typeof rulesFor>;
    isOneBatch: boolean;
    sizes?: TableSizes;
    followers: readonly LintFile[];
  };
}

async function fixOne(
  { format, texts }: LintFolder,
  file: LintFile,
  next: string | undefined,
  { after, asked, options }: SoFar,
): Promise<FixedFile | { reason: string } | undefined> {
  const fix = await fixFile(after, file, { ...options, inBatch: asked });
  if (fix === undefined || "reason" in fix) return fix;
  if (fix.files.length + fix.backfills.length === 0)
    return { reason: "Nothing of the file would be left to run: delete it, if it has run nowhere." };
  const names = nameFiles(
    format,
    file.file,
    fix.files.slice(1).map(({ suffix }) => suffix),
    next,
  );
  if ("reason" in names) return names;
  const content = texts.get(file.file);
  if (content === undefined) throw new TminusError("MIGRATION_INVALID", `${file.file} is not there any more`);
  const hasContract =
    fix.files.some(({ lint: { phase } }) => phase === "contract") && file.phase !== "contract";
  return {
    original: file.file,
    content,
    files: fix.files.map(({ lint: each }, index) => ({
      file: names[index]!,
      text: textOf(format, each, index === 0 ? file.preamble : ""),
      transactional: each.transactional,
      phase: each.phase,
    })),
    backfills: fix.backfills,
    rules: fix.rules,
    declared: fix.declared,
    notes: [...fix.notes, ...(format === "native" ? [] : foreignNotes(format, hasContract))],
  };
}

const OWNERS = { native: "tminus", supabase: "the Supabase CLI", prisma: "Prisma Migrate" } as const;

/** What the format cannot say. */
function foreignNotes(format: Exclude<HistoryFormat, "native">, hasContract: boolean): string[] {
  const place = format === "prisma" ? "down.sql beside it" : "file of its name in supabase/down";
  return [
    `what takes a file back is not written: it would be a ${place}`,
    ...(hasContract
      ? [
          `only tminus knows the line '-- tminus: phase contract': ${OWNERS[format]} would run that file at once. Apply it with the step db.contract, or add it to the folder only after sign-off`,
        ]
      : []),
  ];
}

function reasonOf({ file, hint, rewrite }: Finding, reasons: ReadonlyMap<string, string>): string {
  if (rewrite !== undefined && "reason" in rewrite) return rewrite.reason;
  return reasons.get(file) ?? hint;
}
