import { expect, it } from "vitest";
import { readLintFile } from "../../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../../src/postgres/lint/registry.ts";
import { rewriteFile } from "../../../../src/postgres/lint/rewrite/rewrite-file.ts";

it.each([
  ["alter table t alter column a type text;", "text"],
  ['alter table t alter column a type text collate "POSIX";', 'text collate "POSIX"'],
  ["select 1;", 'varchar(9) collate "C"'],
])("a second column has the collation that the column has by now: %s", async (change, expected) => {
  const before = [
    readLintFile("1.sql", 'create table t (id bigint primary key, a varchar(9) collate "C");'),
    readLintFile("2.sql", change),
  ];
  const file = readLintFile("3.sql", "alter table t rename column a to b;");
  const written = await rewriteFile(before, file, { rules: lintRules });
  if (written === undefined || "reason" in written) throw new Error("it is not rewritten");
  const [first] = written.pieces;
  if (first?.kind !== "file") throw new Error("it begins with no file");
  const [, type] = /add column b (.*);/.exec(first.sql) ?? [];
  expect(type).toBe(expected);
});

it("comments around a statement that is rewritten", async () => {
  const before = readLintFile("1.sql", "create table t (id bigint primary key, a text);");
  const file = readLintFile("2.sql", "-- before; it\ncreate index on t (a); -- behind; it\n/* the end */\n");
  const written = await rewriteFile([before], file, { rules: lintRules });
  if (written === undefined || "reason" in written) throw new Error("it is not rewritten");
  expect(written.pieces).toMatchObject([
    {
      sql: "-- before; it\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a); -- behind; it\n/* the end */",
    },
  ]);
});

it("statements behind a semicolon that stands in a comment", async () => {
  const before = readLintFile("1.sql", "create table t (id bigint primary key, a text);");
  const sql =
    "create index on t (a) -- one; two\n/* three; /* four; */ five; */;\ncreate table u (id int);\n";
  const written = await rewriteFile([before], readLintFile("2.sql", sql), { rules: lintRules });
  if (written === undefined || "reason" in written) throw new Error("it is not rewritten");
  expect(written.pieces.map((piece) => piece.kind === "file" && piece.sql.trim())).toEqual([
    "CREATE INDEX CONCURRENTLY t_a_idx ON t (a);",
    "create table u (id int);",
  ]);
});

it.each([
  [
    "alter table t drop d; drop index i; alter table t drop c;",
    ["alter table t drop c;", "drop index concurrently i;", "alter table t drop d;"],
  ],
  // In the order of the statements: nobody can say to which file each belongs.
  [
    "alter table t drop c; drop index i; alter table t drop d;",
    [undefined, "drop index concurrently i;", undefined],
  ],
])("gives each file the down statement that is its own: %s", async (down, expected) => {
  const before = readLintFile("1.sql", "create table t (id bigint primary key, a text);");
  const up = "alter table t add c int; create index i on t (id); alter table t add d int;";
  const sql = `-- tminus: up\n${up}\n-- tminus: down\n${down}\n`;
  const written = await rewriteFile([before], readLintFile("2.sql", sql), { rules: lintRules });
  if (written === undefined || "reason" in written) throw new Error("it is not rewritten");
  expect(
    written.pieces.map((piece) => piece.kind === "file" && piece.down?.trim().replaceAll('"', "")),
  ).toEqual(expected);
});
