import { describe, expect, it } from "vitest";
import { lint } from "../../../src/postgres/lint/lint.ts";
import { readLintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import type { Effect, LintRule } from "../../../src/postgres/lint/define-rule.ts";
import type { Finding } from "../../../src/postgres/lint/finding.ts";
import { judgeFindings, type JudgedFinding } from "../../../src/postgres/rehearse/judge-findings.ts";
import type { Rehearsal, Seen } from "../../../src/postgres/rehearse/rehearsal.ts";
import { file, openProduction } from "./world.ts";

const NOTHING: Seen = {
  locks: [],
  locksSeen: true,
  rewrites: [],
  truncated: [],
  dropped: [],
  indexes: [],
  validated: [],
  scans: [],
  rows: [],
  walBytes: 0,
};

/** A rule with this effect finds something in the only statement of a file, in which this was seen. */
function judged(
  effect: Effect,
  seen: Partial<Seen>,
  finding: Partial<Finding> = {},
): JudgedFinding["verdict"] {
  const rule = { id: "rule", bad: [{ sql: "", effect }] } as unknown as LintRule;
  const found = { rule: "rule", file: "1_a.sql", line: 2, relation: "users", ...finding } as Finding;
  const total = { state: "unknown" as const, reason: "not asked" };
  const statement = { line: 2, text: "", elapsedMs: 1, seen: { ...NOTHING, ...seen }, forecast: total };
  const rehearsal: Rehearsal = {
    format: 1,
    tier: 1,
    server: "18",
    history: 0,
    filled: [],
    canaries: [],
    limits: [],
    total,
    files: [
      {
        file: "1_a.sql",
        version: "1",
        sentence: "",
        outcome: "passed",
        statements: [statement],
        locks: [],
        total,
      },
    ],
  };
  return judgeFindings([found], [rule], rehearsal)[0]!.verdict;
}

const lock = (mode: string, relation = "users"): Partial<Seen> => ({ locks: [{ relation, mode }] });

describe("a finding of the linter", () => {
  it("about a lock is confirmed by that lock or a stronger one, and dismissed without it", () => {
    const share: Effect = { lock: "ShareLock", on: "users" };
    expect(judged(share, lock("share"))).toBe("confirmed");
    expect(judged(share, lock("access exclusive"))).toBe("confirmed");
    expect(judged(share, lock("share update exclusive"))).toBe("dismissed");
    expect(judged(share, lock("share", "teams"))).toBe("dismissed");
    expect(judged(share, { locksSeen: false })).toBe("unseen");
  });

  it("about a scan is confirmed by one, or by an index that was built", () => {
    const scan: Effect = { scans: "users" };
    expect(judged(scan, { scans: [{ relation: "users", tuples: 1 }] })).toBe("confirmed");
    const built = { index: "i", relation: "users", how: "built" as const, valid: true };
    expect(judged(scan, { indexes: [built] })).toBe("confirmed");
    expect(judged(scan, { indexes: [{ ...built, how: "reused" }] })).toBe("dismissed");
    expect(judged(scan, lock("access exclusive"))).toBe("dismissed");
  });

  it("about a rewrite is dismissed by a lock alone", () => {
    const rewrite: Effect = { rewrites: "users" };
    expect(judged(rewrite, { rewrites: ["users"], ...lock("access exclusive") })).toBe("confirmed");
    expect(judged(rewrite, lock("access exclusive"))).toBe("dismissed");
  });

  it("about anything else, or about a statement that was not rehearsed, is neither", () => {
    expect(judged({ error: "25001" }, {})).toBe("unseen");
    expect(judged({ rewrites: "users" }, { rewrites: ["users"] }, { file: "2_b.sql" })).toBe("unseen");
    expect(judged({ rewrites: "users" }, { rewrites: ["users"] }, { line: 1 })).toBe("unseen");
  });

  it("is judged by what the same files did when they were rehearsed", async () => {
    const history = file("create table users (id integer primary key, name varchar(20), age integer)");
    await using production = await openProduction(
      [history],
      "insert into users select i, 'n', 4 from generate_series(1, 3000) i",
    );
    const up = [
      "create index on users (age)",
      "alter table users add column token uuid default gen_random_uuid()",
      "create table fresh (n integer);\ncreate index on fresh (n)",
    ];
    const pending = up.map((sql) => file(sql));
    const report = await lint(
      [history, ...pending].map((migration, index) =>
        readLintFile(
          migration.file,
          `-- tminus: up\n${index === 0 ? history.up[0]!.text : up[index - 1]};\n`,
        ),
      ),
      { rules: lintRules, isAsked: ({ file: name }) => name !== history.file },
    );
    const found = judgeFindings(report.findings, lintRules, await production.rehearse(pending));
    const verdicts = found.map(({ finding, verdict, reason }) => [finding.rule, verdict, reason]);
    expect(verdicts).toContainEqual(["index-without-concurrently", "confirmed", "share lock on users"]);
    expect(verdicts).toContainEqual(["add-column-rewrite", "confirmed", "users was written anew"]);
  });
});
