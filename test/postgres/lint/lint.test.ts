import { describe, expect, it } from "vitest";
import { bySeverity, countBySeverity } from "../../../src/postgres/lint/finding.ts";
import { lint, type LintOptions } from "../../../src/postgres/lint/lint.ts";
import { readLintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";

const TABLE = "create table t (id bigint, x text);";
const INDEX = "create index on t (x);";

/** The rules with these examples are tested one by one: here only one is needed. */
const rules = lintRules.filter(({ id }) => id === "index-without-concurrently");

async function lintTexts(texts: readonly string[], options: Partial<LintOptions> = {}) {
  const files = texts.map((text, index) => readLintFile(`${index}.sql`, text));
  return lint(files, { rules, ...options });
}

describe("lint", () => {
  it("names file, line and column, also in the up section of a file and behind comments beyond ASCII", async () => {
    const native = `-- tminus: up\n-- é 🙂\n${TABLE}\n-- tminus: down\ndrop table t;\n`;
    const second = `-- why\n-- tminus: up\n\n  /* ü */ ${INDEX}\n-- tminus: down\ndrop index t_x_idx;\n`;
    const { findings, files, statements } = await lintTexts([native, second]);
    expect(findings).toMatchObject([
      {
        file: "1.sql",
        line: 4,
        column: 11,
        rule: "index-without-concurrently",
        severity: "block",
        relation: "t",
      },
    ]);
    expect({ files, statements }).toEqual({ files: 2, statements: 2 });
  });

  it("counts what a batch makes as new when it runs in one go", async () => {
    expect((await lintTexts([TABLE, INDEX], { isOneBatch: true })).findings).toEqual([]);
    expect((await lintTexts([TABLE, INDEX])).findings).toHaveLength(1);
    const second = { isAsked: ({ file }: { file: string }) => file === "1.sql", isOneBatch: true };
    expect((await lintTexts([TABLE, INDEX], second)).findings).toHaveLength(1);
  });

  it("is silent about a table that is known to be small, and not about one of which nothing is known", async () => {
    const small = new Map([["public.t", { rows: 100, bytes: 8192 }]]);
    const large = new Map([["public.t", { rows: 1e6, bytes: 8192 }]]);
    expect((await lintTexts([TABLE, INDEX], { sizes: small })).findings).toEqual([]);
    expect((await lintTexts([TABLE, INDEX], { sizes: large })).findings).toHaveLength(1);
    expect((await lintTexts([INDEX])).findings).toHaveLength(1);
  });

  it("keeps what a file allows itself apart, with its reason, and wants a reason", async () => {
    const allowed = await lintTexts([
      `-- tminus: allow index-without-concurrently maintenance window\n${INDEX}`,
    ]);
    expect(allowed.findings).toEqual([]);
    expect(allowed.allowed).toMatchObject([
      { rule: "index-without-concurrently", reason: "maintenance window" },
    ]);
    const bare = await lintTexts([`-- tminus: allow index-without-concurrently\n${INDEX}`]);
    expect(bare.findings.map(({ rule }) => rule)).toEqual(["directive", "index-without-concurrently"]);
  });

  it.each([
    ["select 1;\nselect 1 fromm t x;", 2, "Correct the statement"],
    ["\\set x 1\nselect 1;", 1, "psql"],
    ["copy t from stdin;\n1\ta\n\\.\n", 2, "COPY"],
    ["create table {{ .schema }}.t ();", 1, "template"],
  ])("says where it cannot be read: %j", async (sql, line, hint) => {
    const { findings } = await lintTexts([sql]);
    expect(findings).toMatchObject([{ rule: "not-parseable", severity: "block", line }]);
    expect(findings[0]!.hint).toContain(hint);
  });

  it("reads what is written out in a DO block, at its line", async () => {
    const { findings } = await lintTexts([`select 1;\ndo $$\nbegin\n  create index on t (x);\nend $$;`]);
    expect(findings).toMatchObject([{ rule: "index-without-concurrently", line: 4 }]);
  });

  it("finds the name of a table along the search path of its own file only", async () => {
    const made = "create schema app; set search_path to app; create table t (id int);";
    const sizes = new Map([["app.t", { rows: 1, bytes: 1 }]]);
    const { findings } = await lintTexts([made, "create index on app.t (id);", "create index on t (id);"], {
      sizes,
    });
    expect(findings).toMatchObject([{ file: "2.sql", relation: "t" }]);
  });

  it("puts the strongest first and counts", async () => {
    const { findings } = await lintTexts([INDEX]);
    expect(bySeverity(findings)).toEqual(findings);
    expect(countBySeverity(findings)).toEqual({ block: 1, ask: 0, note: 0 });
  });
});
