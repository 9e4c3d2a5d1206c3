import { describe, expect, it } from "vitest";
import { placesIn, splitStatements } from "../../../src/postgres/sql/statements.ts";

const texts = (sql: string): string[] => splitStatements(sql).statements.map(({ text }) => text);

describe("splitStatements", () => {
  it("splits at semicolons and tells the line of each first word", () => {
    const { statements } = splitStatements("-- one\nselect 1;\n\n/* two /* nested; */ */ select\n 2;", 10);
    expect(statements.map(({ text, line }) => [text, line])).toEqual([
      ["select 1", 11],
      ["select\n 2", 13],
    ]);
  });

  it.each([
    ["strings", "select ';' , 'it''s;'"],
    ["escape strings", String.raw`select E'\';' , e'\\'`],
    ["quoted names", 'select 1 as "a;""b"'],
    ["dollar quotes", "do $$ begin perform 1; end $$"],
    ["tagged dollar quotes", "do $a$ begin perform $$;$$; end $a$"],
    ["names with dollar signs", "select a$b$ from t"],
    ["parentheses", "create rule r as on insert to t do also (select 1; select 2)"],
    [
      "SQL function bodies",
      "create or replace function f(a int) returns int begin atomic select case when a > 0 then 1 end; select 2; end",
    ],
  ])("does not split inside %s", (_what, sql) => {
    expect(texts(`${sql}; select 2`)).toEqual([sql, "select 2"]);
  });

  it("splits behind a function that is named begin, and where a carriage return ends a comment", () => {
    const named = "create function begin() returns int language sql as 'select 1'";
    expect(texts(`${named}; commit`)).toEqual([named, "commit"]);
    expect(texts("select 1 -- one\r; commit")).toEqual(["select 1", "commit"]);
  });

  it("blanks strings and drops comments in the text for inspection", () => {
    const { statements } = splitStatements(
      "update t -- drop\n set a = 'drop table'\n where /* x */ b = $$drop$$",
    );
    expect(statements[0]!.code).toBe("update t set a = '' where b = ''");
  });

  it.each([
    ["select 1;\nselect 'a", 2, 8, "a string is never closed"],
    ["/* /* */", 1, 1, "a comment is never closed"],
    ["\ndo $x$ begin end $$", 2, 4, "a $x$ quote is never closed"],
    ['select "a', 1, 8, "a quoted name is never closed"],
    ["select 1;\n\\connect other", 2, 1, "a backslash command belongs to psql, not to SQL"],
  ])("reports in %j the line and column of the mistake", (sql, line, column, text) => {
    expect(splitStatements(sql).problem).toEqual({ line, column, text });
  });

  it("reads a long string without running out of stack", () => {
    const sql = `insert into t values ('${"it''s; ".repeat(200_000)}')`;
    expect(texts(sql)).toEqual([sql]);
  });
});

describe("placesIn", () => {
  it("counts lines and columns from 1, and a line end to the line that it ends", () => {
    const at = placesIn("\nab\n\nc", 5);
    expect([0, 1, 2, 3, 4, 5, 6].map((index) => Object.values(at(index)).join(":"))).toEqual([
      "5:1",
      "6:1",
      "6:2",
      "6:3",
      "7:1",
      "8:1",
      "8:2",
    ]);
    expect(placesIn("")(0)).toEqual({ line: 1, column: 1 });
  });
});
