import { appendFileSync, readFileSync } from "node:fs";

/**
 * The named points at which the crash tests kill a worker with SIGKILL: before and after every write to the
 * journal and every call to the outside. A new write or call adds a point here and a call beside it.
 */
export const crashPoints = [
  "run.before-lease",
  "run.after-lease",
  "run.before-start",
  "run.after-start",
  "run.before-verdict",
  "run.after-verdict",
  "run.before-cure",
  "run.after-cure",
  "run.before-end",
  "run.after-end",
  "step.before-intent",
  "step.after-intent",
  "step.after-observe",
  "step.before-act",
  "step.after-act",
  "step.after-verify",
  "step.after-outcome",
  "undo.before-intent",
  "undo.after-intent",
  "undo.after-undo",
  "undo.after-outcome",
  "command.before-spawn",
  "command.after-exit",
  "migrate.before-transaction",
  "migrate.before-commit",
  "migrate.after-commit",
  "target.before-spawn",
  "target.after-spawn",
  "target.after-healthy",
  "target.before-shift",
  "target.after-shift",
  "target.before-retire",
  "target.after-retire",
  "notify.before-send",
  "notify.after-send",
] as const;

export type CrashPoint = (typeof crashPoints)[number];

/**
 * Does nothing unless TMINUS_CRASH_LOG names a file, which only tests do. Then every (point, detail) that is
 * not in the file yet is written there, and the process kills itself: so each incarnation of a worker dies
 * at the first point that no earlier one has died at. With TMINUS_CRASH_ONLY (comma-separated point names),
 * only those points kill.
 */
export function crashPoint(point: CrashPoint, detail = ""): void {
  const log = process.env.TMINUS_CRASH_LOG;
  if (log === undefined) return;
  const only = process.env.TMINUS_CRASH_ONLY;
  if (only !== undefined && !only.split(",").includes(point)) return;
  const line = `${point} ${detail}`.trim();
  if (readLines(log).includes(line)) return;
  appendFileSync(log, `${line}\n`);
  process.kill(process.pid, "SIGKILL");
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
