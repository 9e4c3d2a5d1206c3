import { beforeAll, describe, expect, it } from "vitest";
import { expressionOf, sqlOf, typeNameOf } from "../../../../src/postgres/lint/rewrite/sql-of.ts";
import { parseSql } from "../../../../src/postgres/sql/parse.ts";
import { treeOf } from "../../../../src/postgres/sql/tree.ts";

async function nodeOf(sql: string) {
  const parsed = await parseSql(sql);
  if ("problem" in parsed) throw new Error(parsed.problem.text);
  return parsed.statements[0]!.node;
}

async function columnOf(type: string) {
  const created = treeOf(await nodeOf(`create table t (c ${type})`), "CreateStmt");
  return treeOf(created?.tableElts?.[0], "ColumnDef")!;
}

describe("sqlOf", () => {
  beforeAll(() => parseSql("select 1"));

  it("writes a statement on one line, with its semicolon", async () => {
    expect(sqlOf(await nodeOf("create  index on s.t\n(a desc, lower(b)) where c > 1"))).toBe(
      "CREATE INDEX ON s.t (a DESC, (lower(b))) WHERE c > 1;",
    );
  });

  it("refuses what the printer would lose", async () => {
    const node = await nodeOf("alter table t add unique (a) include (b) with (fillfactor = 60)");
    expect(() => sqlOf(node)).toThrow(expect.objectContaining({ code: "SQL_UNPRINTABLE" }));
  });

  it.each([
    "numeric(10, 2)",
    "text",
    "timestamp with time zone",
    "varchar(20)",
    "app.mood[]",
    '"Mood"',
    "bit(3)",
  ])("writes the type %s so that it means the same", async (type) => {
    const { typeName } = await columnOf(type);
    const again = await columnOf(typeNameOf(typeName!));
    expect(JSON.stringify(again.typeName).replaceAll(/"location":\d+/g, "")).toBe(
      JSON.stringify(typeName).replaceAll(/"location":\d+/g, ""),
    );
  });

  it("writes an expression", async () => {
    const select = treeOf(await nodeOf("select lower(a) || 'x'"), "SelectStmt");
    expect(expressionOf(treeOf(select?.targetList?.[0], "ResTarget")!.val!)).toBe("lower(a) || 'x'");
  });
});
