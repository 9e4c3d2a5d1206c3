import { describe, expect, it } from "vitest";
import { judgeRehearsal, type Demands } from "../../../src/postgres/rehearse/judge.ts";
import type { FileRecord, Forecast, Rehearsal } from "../../../src/postgres/rehearse/rehearsal.ts";

const DEMANDS: Demands = {
  maxLockMs: 5_000,
  maxDurationMs: 300_000,
  requireReversible: false,
  acceptUnknown: false,
};
const takes = (likelyMs: number): Forecast => ({
  state: "estimated",
  lowMs: likelyMs / 2,
  likelyMs,
  highMs: likelyMs * 3,
  basis: "measured",
});
const UNKNOWN: Forecast = { state: "unknown", reason: "nobody counted" };

function rehearsalOf(file: Partial<FileRecord>, more: Partial<Rehearsal> = {}): Rehearsal {
  const record: FileRecord = {
    file: "1_a.sql",
    version: "1",
    sentence: "",
    outcome: "passed",
    statements: [],
    locks: [],
    total: takes(10),
    roundTrip: { state: "done", differences: [], upAgain: [], counted: true, losses: [] },
    ...file,
  };
  const base = {
    format: 1 as const,
    tier: 1 as const,
    server: "18",
    history: 0,
    filled: [],
    canaries: [],
    limits: [],
  };
  return { ...base, files: [record], total: record.total, ...more };
}

const refusals = (rehearsal: Rehearsal, demands: Partial<Demands> = {}): string[] =>
  judgeRehearsal(rehearsal, { ...DEMANDS, ...demands }).refusals;

describe("the judgement of a rehearsal", () => {
  it("has nothing against a file that passed in time", () => {
    expect(judgeRehearsal(rehearsalOf({}), DEMANDS)).toEqual({ refusals: [], warnings: [] });
  });

  it("refuses a lock that is likely too long, and notes one that is perhaps", () => {
    const lock = (likelyMs: number, blocks: "writes" | "nothing" = "writes"): Rehearsal =>
      rehearsalOf({ locks: [{ relation: "users", mode: "share", blocks, held: takes(likelyMs) }] });
    expect(refusals(lock(6_000))).toEqual([
      "1_a.sql keeps writes from users for 3.0 s to 18 s, likely more than 5.0 s",
    ]);
    expect(judgeRehearsal(lock(3_000), DEMANDS)).toMatchObject({
      refusals: [],
      warnings: [expect.stringContaining("perhaps more than 5.0 s")],
    });
    expect(refusals(lock(60_000, "nothing"))).toEqual([]);
  });

  it("refuses what takes too long in all", () => {
    expect(refusals(rehearsalOf({ total: takes(301_000) }))).toEqual([
      "all files take about 5m 01s, more than 5m 00s",
    ]);
  });

  it("never takes what is not known for a pass, unless it is told to", () => {
    const unknown = rehearsalOf({ total: UNKNOWN });
    const missing = rehearsalOf({ outcome: "not-rehearsed", reason: "no extension" });
    for (const rehearsal of [unknown, missing]) {
      expect(refusals(rehearsal)).toHaveLength(1);
      expect(judgeRehearsal(rehearsal, { ...DEMANDS, acceptUnknown: true })).toMatchObject({
        refusals: [],
        warnings: [expect.any(String)],
      });
    }
  });

  it("refuses what cannot be undone when that is asked for, object by object", () => {
    const lossy = rehearsalOf({
      roundTrip: {
        state: "done",
        differences: [{ object: "index users_age", change: "missing" }],
        upAgain: [],
        counted: false,
        losses: [{ relation: "users", rows: 7, columns: ["age"] }],
      },
    });
    expect(judgeRehearsal(lossy, DEMANDS)).toMatchObject({
      refusals: [],
      warnings: [expect.stringContaining("users_age"), expect.stringContaining("7 rows")],
    });
    expect(refusals(lossy, { requireReversible: true })).toEqual([
      "1_a.sql: whether down loses rows was not counted",
      "1_a.sql: down does not give back the schema: index users_age (missing)",
      "1_a.sql: down loses 7 rows or values of users (age)",
    ]);
    expect(
      refusals(rehearsalOf({ roundTrip: { state: "no-down" } }), { requireReversible: true }),
    ).toHaveLength(1);
  });

  it("refuses a broken query of the application, and notes one that needs a new connection", () => {
    const canary = { query: "select age from users", file: "1_a.sql", reason: "42703" };
    expect(refusals(rehearsalOf({}, { canaries: [{ ...canary, outcome: "broken" }] }))).toHaveLength(1);
    const stale = judgeRehearsal(
      rehearsalOf({}, { canaries: [{ ...canary, outcome: "stale-plan" }] }),
      DEMANDS,
    );
    expect(stale).toMatchObject({ refusals: [], warnings: [expect.stringContaining("made anew")] });
  });
});
