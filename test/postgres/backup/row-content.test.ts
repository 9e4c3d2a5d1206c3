import { describe, expect, it } from "vitest";
import { addContents, type RowContent } from "../../../src/postgres/backup/manifest.ts";
import { RowContentSum } from "../../../src/postgres/backup/row-content.ts";

const HEADER = Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), Buffer.alloc(8)]);
const END = Buffer.from([0xff, 0xff]);

function textContent(rows: readonly string[]): RowContent {
  const sum = new RowContentSum({ name: "t", format: "text" });
  for (const row of rows) sum.row(Buffer.from(row));
  sum.end(rows.length);
  return sum.content;
}

describe("the content of rows", () => {
  it("does not depend on their order, and parts add up to the whole", () => {
    const rows = Array.from({ length: 500 }, (_, index) => `${index}\trow ${index * 7}\n`);
    expect(textContent(rows.toReversed())).toEqual(textContent(rows));
    expect(addContents([textContent(rows.slice(0, 123)), textContent(rows.slice(123))])).toEqual(
      textContent(rows),
    );
  });

  it("is another after any bit of a row was flipped", () => {
    const row = Buffer.from("some row of 23 bytes, ok");
    const seen = new Set([JSON.stringify(textContent([row.toString("latin1")]))]);
    for (let bit = 0; bit < row.length * 8; bit++) {
      const changed = Buffer.from(row);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const sum = new RowContentSum({ name: "t", format: "text" });
      sum.row(changed);
      sum.end(1);
      seen.add(JSON.stringify(sum.content));
    }
    expect(seen.size).toBe(row.length * 8 + 1);
  });

  it.each([
    ["values changed places between two rows", ["1\ta\n", "2\tb\n"], ["1\tb\n", "2\ta\n"]],
    ["a byte went from one row to the next", ["ab\n", "c\n"], ["a\n", "bc\n"]],
    ["one row came twice instead of another", ["a\n", "a\n", "b\n"], ["a\n", "b\n", "b\n"]],
    ["two equal rows became two other equal rows", ["a\n", "a\n"], ["b\n", "b\n"]],
    ["a row ends in zeros", ["a\n"], ["a\n\0"]],
  ])("is another when %s", (_what, before, after) => {
    const [one, other] = [textContent(before), textContent(after)];
    expect(other.sum).not.toBe(one.sum);
  });

  it("leaves out what surrounds the rows of a binary COPY", () => {
    const rows = [Buffer.from([0, 1, 0, 0, 0, 1, 65]), Buffer.from([0, 0])];
    const sum = new RowContentSum({ name: "t", format: "binary" });
    sum.row(Buffer.concat([HEADER, rows[0]!]));
    sum.row(rows[1]!);
    sum.row(END);
    sum.end(2);
    expect(sum.content).toEqual(textContent(rows.map((row) => row.toString("latin1"))));
    const empty = new RowContentSum({ name: "t", format: "binary" });
    empty.row(Buffer.concat([HEADER, END]));
    empty.end(0);
    expect(empty.content).toEqual(addContents([]));
  });

  it("adds up exactly beyond what a number holds", () => {
    const parts = Array.from({ length: 5 }, () => textContent(["a\n", "b\n"]));
    const sum = new RowContentSum({ name: "t", format: "text" });
    const [a, b] = [Buffer.from("a\n"), Buffer.from("b\n")];
    for (let count = 0; count < 1_200_000; count++) {
      sum.row(a);
      sum.row(b);
    }
    sum.end(2_400_000);
    const pair = addContents(parts);
    expect(BigInt(sum.content.sum)).toBe((BigInt(pair.sum) / 5n) * 1_200_000n);
    expect(sum.content.xor).toBe("0");
  });

  it("is refused when the server says that it sent another number of rows", () => {
    const sum = new RowContentSum({ name: "public.t", format: "text" });
    sum.row(Buffer.from("a\n"));
    expect(() => sum.end(2)).toThrow("1 rows of public.t came; the server sent 2");
  });
});
