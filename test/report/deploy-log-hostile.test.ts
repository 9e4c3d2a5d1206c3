import { expect, it } from "vitest";
import { deployLog, type RunRecord } from "../../src/report/deploy-log.ts";
import { sampleWatch } from "../cli/support/sample-watch.ts";
import {
  approved,
  at,
  beginning,
  eventsOf,
  rolledBack,
  sampleRun,
  waitingForApproval,
} from "../cli/support/sample-run.ts";
import { HOSTILE, RAW } from "../support/hostile-text.ts";

/** Properties that hold what somebody wrote, or a program printed. */
const FREE = new Set([
  "title",
  "reason",
  "note",
  "text",
  "summary",
  "success",
  "release",
  "previousRelease",
  "project",
  "name",
  "actor",
  "createdBy",
  "message",
  "error",
  "by",
  "unknown",
  "before",
  "during",
  "window",
  "cause",
  "hint",
]);

/** The record with the mark behind every such text. */
function marked<T>(value: T, mark: string, key = ""): T {
  if (typeof value === "string") return (FREE.has(key) ? `${value} ${mark}` : value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => marked(item, mark, key)) as T;
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Map)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, marked(item, mark, name)]),
  ) as T;
}

/** What a reader of Markdown makes structure of, line by line: signs that are neither escaped nor in code. */
function structure(log: string): string[] {
  return log.split("\n").map((line) =>
    line
      .replaceAll(/`[^`]*`/g, "code")
      .replaceAll(/\\[^\w\s]/g, "")
      .replaceAll(/[^|#*_[\]<>`~&]/g, "")
      .trim(),
  );
}

it("is built the same whatever people and programs have written", () => {
  const record: RunRecord = {
    run: sampleRun(),
    events: eventsOf(...beginning, ...waitingForApproval, ...approved, ...rolledBack),
    attempts: [
      {
        runId: "r0sample0001",
        stepId: "migrate",
        phase: "act",
        number: 1,
        state: "done",
        acted: true,
        reason: "1 migration applied",
        result: { applied: [{ version: "0001", name: "users", durationMs: 40 }] },
        begunAt: at(1),
        endedAt: at(4),
      },
    ],
    watched: [sampleWatch(), { stepId: "later", title: "later", unknown: "it has not looked yet" }],
  };
  const plain = deployLog(marked(record, "mark"));
  const hostile = deployLog(marked(record, HOSTILE));
  expect(plain.split("mark").length).toBeGreaterThan(20);
  expect(structure(hostile)).toEqual(structure(plain));
  expect(hostile.split("alert(1)").length).toBeGreaterThan(100);
  expect(RAW.exec(hostile)).toBeNull();
});
