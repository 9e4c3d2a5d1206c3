import { describe, expect, it } from "vitest";
import { parseMigration } from "../../../src/postgres/migrations/parse-migration.ts";

const FILE = "20260101120000_add_note.sql";

function problemsOf(content: string, file = FILE): string[] {
  const parsed = parseMigration(file, content);
  return "problems" in parsed ? parsed.problems : [];
}

describe("parseMigration", () => {
  it.each([
    ["off", "the file is read with standard_conforming_strings on"],
    ["'off'", "the file is read with standard_conforming_strings on"],
    ["on", undefined],
    ["'on'", undefined],
    ["default", undefined],
  ])("takes a file by how it says that its strings are read: %s", (value, refusal) => {
    const [problem] = problemsOf(`-- tminus: up\nset standard_conforming_strings = ${value};\nselect 1`);
    if (refusal === undefined) expect(problem).toBeUndefined();
    else expect(problem).toContain(`${FILE}:2: ${refusal}`);
  });

  it("reads version, name and both sections with the lines of the file", () => {
    const parsed = parseMigration(FILE, "-- about\n-- tminus: up\n\nselect 1;\n-- tminus: down\nselect 2;\n");
    expect(parsed).toMatchObject({
      migration: {
        version: "20260101120000",
        name: "add_note",
        transactional: true,
        up: [{ text: "select 1", line: 4 }],
        down: { line: 6, sql: "select 2;\n\n" },
      },
    });
  });

  it("reads the phase, which is expand unless it is named, and what the file allows itself with its reason", () => {
    expect(parseMigration(FILE, "-- tminus: up\nselect 1")).toMatchObject({
      migration: { phase: "expand", allows: [] },
    });
    const content =
      "-- tminus: phase Contract\n-- tminus: allow Some-Rule nobody  reads It\n-- tminus: up\nselect 1";
    expect(parseMigration(FILE, content)).toMatchObject({
      migration: {
        phase: "contract",
        allows: [{ rule: "some-rule", reason: "nobody reads It", line: 2 }],
      },
    });
    expect(problemsOf("-- tminus: phase later\n-- tminus: allow some-rule\n-- tminus: up\nselect 1")).toEqual(
      [
        `${FILE}:1: the phase is expand, migrate or contract, not 'later'`,
        `${FILE}:2: write '-- tminus: allow <rule> <reason>', with a reason`,
      ],
    );
    expect(problemsOf("-- tminus: phase expand\n-- tminus: phase migrate\n-- tminus: up\nselect 1")).toEqual([
      `${FILE}:2: there is a second line that names a phase`,
    ]);
  });

  it("gives the same checksum for both kinds of line ends, and another for another content", () => {
    const checksum = (content: string): string => {
      const parsed = parseMigration(FILE, content);
      return "migration" in parsed ? parsed.migration.checksum : "";
    };
    expect(checksum("-- tminus: up\r\nselect 1;\r\n")).toBe(checksum("-- tminus: up\nselect 1;\n"));
    expect(checksum("-- tminus: up\nselect 2;\n")).not.toBe(checksum("-- tminus: up\nselect 1;\n"));
  });

  it("has no down section when there is none, or an empty one", () => {
    for (const content of [
      "-- tminus: up\nselect 1",
      "-- tminus: up\nselect 1;\n-- tminus: down\n-- nothing\n",
    ]) {
      expect(parseMigration(FILE, content)).toMatchObject({ migration: { up: [{ line: 2 }] } });
      expect(parseMigration(FILE, content)).not.toHaveProperty("migration.down");
    }
  });

  it.each([
    [
      "a missing up section",
      "select 1;",
      [
        `${FILE}:1: this statement stands before '-- tminus: up'`,
        `${FILE}:1: there is no line '-- tminus: up'`,
      ],
    ],
    ["an empty up section", "-- tminus: up\n-- later", [`${FILE}:2: the up section has no statement`]],
    [
      "a doubled section",
      "-- tminus: up\nselect 1;\n-- tminus: up\nselect 2;",
      [`${FILE}:3: there is a second up section`],
    ],
    [
      "an unknown directive",
      "-- tminus: upp\n-- tminus: up\nselect 1",
      [`${FILE}:1: 'upp' is not up, down, no-transaction, phase or allow`],
    ],
    ["an unclosed string", "-- tminus: up\nselect 1;\nselect 'a", [`${FILE}:3: a string is never closed`]],
  ])("refuses %s and names the line", (_what, content, expected) => {
    expect(problemsOf(content)).toEqual(expected);
  });

  it.each([
    ["create index concurrently i on t (a)", "CONCURRENTLY cannot run inside a transaction"],
    ["create unique index concurrently i on t (a)", "CONCURRENTLY cannot run inside a transaction"],
    ["drop /* x */ index\n concurrently i", "CONCURRENTLY cannot run inside a transaction"],
    ["reindex (verbose) table concurrently t", "CONCURRENTLY cannot run inside a transaction"],
    ["alter table t detach partition p concurrently", "CONCURRENTLY cannot run inside a transaction"],
    ["vacuum t", "VACUUM cannot run inside a transaction"],
    ["commit", "COMMIT would end the transaction"],
    ["begin", "BEGIN would end the transaction"],
    ["rollback", "ROLLBACK would end the transaction"],
    ["copy t from stdin", "needs psql"],
  ])("refuses %j in a transaction with file and line", (sql, reason) => {
    const problems = problemsOf(`-- tminus: up\nselect 1;\n${sql};\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${FILE}:3: `);
    expect(problems[0]).toContain(reason);
  });

  it("takes these words for what they are in strings, bodies and savepoints", () => {
    const sql =
      "select 'commit';\ndo $$ begin perform 1; end $$;\nsavepoint a;\nrollback to a;\nrollback to savepoint a;\nrefresh materialized view concurrently v;";
    expect(problemsOf(`-- tminus: up\n${sql}`)).toEqual([]);
  });

  it.each([
    ["several indexes", "drop index concurrently a, b", "one index at a time"],
    ["a temporary table", "create temp table a (b int)", "would be gone"],
    ["the end of a transaction", "commit", "would end the transaction"],
    ["a database", "create database d", "is not a migration"],
  ])("refuses outside a transaction %s", (_what, sql, reason) => {
    const problems = problemsOf(`-- tminus: no-transaction\n-- tminus: up\n${sql}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(reason);
  });

  it("accepts statements of both kinds in a file outside a transaction", () => {
    const content = `-- tminus: no-transaction\n-- tminus: up\ncreate unique index concurrently "My i" on only app."T" using btree (a);\ninsert into app."T" values (1);\ncreate index concurrently if not exists on app."T" (a);\n-- tminus: down\ndrop index concurrently if exists app."My i";`;
    expect(parseMigration(FILE, content)).toMatchObject({ migration: { transactional: false } });
  });

  it.each(["add_note.sql", "2026-01-01_note.sql", "20260101120000.sql", "_note.sql"])(
    "refuses the name %s",
    (file) => {
      expect(problemsOf("-- tminus: up\nselect 1", file)).toEqual([
        `${file}:1: the name is not <timestamp>_<name>.sql`,
      ]);
    },
  );
});
