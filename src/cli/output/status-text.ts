import { formatDuration } from "../../lib/duration.ts";
import { followUpName } from "../../model/follow-up.ts";
import { lockText, unlockHint } from "../../model/lock.ts";
import type { Run } from "../../model/run.ts";
import type { EnvironmentStatus } from "../../model/tminus.ts";
import { releaseChange, shortHash } from "../../report/release-change.ts";
import { countdownText } from "../../report/timeline-text.ts";
import { clean, wrap, type Paint, type Style } from "../../report/text.ts";
import { outcomeMarks, runMark } from "../../report/run-marks.ts";
import { waitingText } from "./run-words.ts";

/** A worker that was silent for longer than this is worth a word. */
const SILENT_MS = 15_000;

/** What is live, what runs and waits, what ended last. */
export function statusText(
  project: string,
  { environment, url, traffic, active, last, lease, lock, overdueItems, overdueTasks }: EnvironmentStatus,
  now: Date,
  { columns, style }: { columns: number; style: Style },
): string[] {
  const lines: string[] = [];
  const add = (indent: string, text: string, paint?: Paint): void => {
    const wrapped = wrap(text, columns, indent, `${indent}  `);
    lines.push(...wrapped.map((line) => (paint === undefined ? line : style[paint](line))));
  };
  const ago = (then: Date): string => `${formatDuration(Math.max(0, now.getTime() - then.getTime()))} ago`;
  add("", `${environment} · ${project} · ${liveText(traffic)}`, "bold");
  add("  ", clean(url), "dim");
  if (lock !== undefined) {
    add("  ", `✗ LOCKED ${ago(lock.at)}: ${clean(lockText(lock))}`, "red");
    add("    ", clean(unlockHint(lock)), "yellow");
  }
  active.forEach((run, index) => {
    const { icon, word, paint } = runMark(run);
    const behind = active[index - 1];
    const queue = run.state === "queued" && behind !== undefined ? `, behind ${behind.id}` : "";
    const started = `started ${ago(run.createdAt)} by ${clean(run.createdBy)}`;
    const what = `${clean(releaseChange(run.plan))} · plan ${shortHash(run.plan.hash)}`;
    add("  ", `${icon} ${word} run ${run.id} · ${what} · ${started}${queue}`, paint);
    if (run.waitingFor !== undefined) add("    ", clean(waitingText(run.id, run.waitingFor, now)), "yellow");
    const countdown = run.verdict === undefined ? countdownText(run.plan, run.zeroAt, now) : undefined;
    if (countdown !== undefined) add("    ", countdown, "cyan");
    for (const { item, owner, dueAt } of overdueItems.filter((one) => one.run === run.id)) {
      const whose = owner === undefined ? "" : ` (${clean(owner)})`;
      add("    ", `OVERDUE since ${dueAt.toISOString()}: ${clean(item)}${whose}`, "red");
    }
    if (run.verdict !== undefined)
      add("    ", `${run.verdict.decision}: ${clean(run.verdict.reason)}`, "yellow");
  });
  if (lease !== undefined && now.getTime() - lease.heartbeatAt.getTime() > SILENT_MS) {
    add(
      "  ",
      `! the worker of run ${lease.runId} was last heard ${ago(lease.heartbeatAt)}; tminus watch ${lease.runId} brings it back`,
      "red",
    );
  }
  if (last !== undefined) add("  ", lastText(last, ago), "dim");
  if (overdueTasks.length > 0) {
    const names = overdueTasks.map(
      (task) => followUpName(task) + (task.owner === undefined ? "" : ` (${clean(task.owner)})`),
    );
    add("  ", `! OVERDUE tasks: ${names.join(", ")}; look: tminus tasks --env ${environment}`, "red");
  }
  if (active.length === 0 && last === undefined)
    add("  ", `no run yet; look ahead: tminus plan --env ${environment} --release <name>`, "dim");
  return lines;
}

function liveText(traffic: EnvironmentStatus["traffic"]): string {
  switch (traffic.state) {
    case "absent":
      return "nothing is deployed";
    case "unknown":
      return `what is live could not be found out: ${clean(traffic.reason)}`;
    case "present": {
      const routes = traffic.value.routes.filter(({ percent }) => percent > 0);
      if (routes.length === 1) return `${clean(routes[0]!.release)} is live`;
      return (
        routes.map(({ release, percent }) => `${clean(release)} ${percent} %`).join(", ") ||
        "no release has traffic"
      );
    }
  }
}

function lastText(run: Run, ago: (then: Date) => string): string {
  const word = run.outcome === undefined ? "ended" : outcomeMarks[run.outcome].word.toLowerCase();
  const when = run.endedAt === undefined ? "" : ` ${ago(run.endedAt)}`;
  const reason = run.verdict === undefined ? "" : `: ${clean(run.verdict.reason)}`;
  return `last: run ${run.id} ${clean(releaseChange(run.plan))} ${word}${when}${reason}`;
}
