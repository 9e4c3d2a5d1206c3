import { describe, expect, it } from "vitest";
import { indexOfByte, parseSql } from "../../../src/postgres/sql/parse.ts";

describe("parseSql", () => {
  it("gives each statement its tree, its text and its place, also behind comments and beyond ASCII", async () => {
    const sql = "-- héllo 🙂\nselect 'ü';\n/* why */ create index concurrently i on t (a);\n";
    const parsed = await parseSql(sql, 5);
    expect(parsed).toMatchObject({
      statements: [
        { node: { SelectStmt: {} }, text: "select 'ü'", line: 6, column: 1 },
        {
          node: { IndexStmt: { concurrent: true } },
          text: "create index concurrently i on t (a)",
          line: 7,
          column: 11,
        },
      ],
    });
  });

  it("says where PostgreSQL stops understanding", async () => {
    expect(await parseSql("select 1;\nselect 'é' fromm t x")).toEqual({
      problem: { line: 2, column: 18, text: 'syntax error at or near "t"' },
    });
  });

  it("finds no statement in a text without one", async () => {
    expect(await parseSql("-- nothing\n;")).toEqual({ statements: [] });
  });
});

describe("indexOfByte", () => {
  it("counts a character beyond the basic plane as two units", () => {
    expect(indexOfByte("a🙂b")(5)).toBe(3);
    expect(indexOfByte("ab")(1)).toBe(1);
  });

  it("is right at every character of a text, in any order, and at its end", () => {
    const text = "aé€🙂\ud800b\n";
    const toIndex = indexOfByte(text);
    const characters = Array.from(text);
    const starts = characters.map((_, count) => characters.slice(0, count).join(""));
    for (const before of [...starts, text].toReversed())
      expect(toIndex(Buffer.byteLength(before))).toBe(before.length);
    expect(toIndex(1000)).toBe(text.length);
  });
});
