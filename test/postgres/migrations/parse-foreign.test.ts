import { describe, expect, it } from "vitest";
import { parseForeign } from "../../../src/postgres/migrations/parse-foreign.ts";
import type { Migration } from "../../../src/postgres/migrations/migration.ts";

const parse = (text: string): Migration =>
  parseForeign({ format: "supabase", version: "1", name: "x", file: "1_x.sql", text });
const texts = ({ up }: Migration): string[] => up.map(({ text }) => text);

describe("parseForeign", () => {
  it.each(["begin;", "BEGIN TRANSACTION;", "start transaction;"])(
    "takes %s … COMMIT away, because the transaction with the history row does its work",
    (begin) => {
      const migration = parse(`set lock_timeout = '1s';\n${begin}\ncreate table a (id int);\ncommit;\n`);
      expect(texts(migration)).toEqual(["set lock_timeout = '1s'", "create table a (id int)"]);
      expect(migration.script).toHaveLength(4);
      expect(migration.refusals).toBeUndefined();
    },
  );

  it.each([
    [
      "begin;\nselect 1;\ncommit;\nbegin;\nselect 2;\ncommit;",
      "1_x.sql:4:1: this BEGIN opens a second transaction",
    ],
    ["begin;\nselect 1;\n  begin;\ncommit;", "1_x.sql:3:3: this BEGIN stands inside another"],
    ["begin isolation level serializable;\nselect 1;\ncommit;", "1_x.sql:1:1: a transaction with options"],
    ["select 1;\ncommit;", "1_x.sql:2:1: this COMMIT ends no transaction"],
    ["begin;\nselect 1;", "1_x.sql:1:1: this BEGIN is never followed by COMMIT"],
    ["select 1; rollback;", "1_x.sql:1:11: ROLLBACK would take back"],
    [
      "begin;\ncreate index concurrently i on t (a);\ncommit;",
      "1_x.sql:2:1: CONCURRENTLY cannot run inside BEGIN",
    ],
    ["select 1;\n\\connect shop\n", "1_x.sql:2:1: a backslash command belongs to psql"],
    ["\\restrict abc\nselect 1;", "1_x.sql:1:1: a backslash command belongs to psql"],
    [
      "select 1;\n create table {{ .Schema }}.users (id int);",
      "1_x.sql:2:2: the template {{ … }} is not SQL",
    ],
    ["copy t from stdin;\n", "1_x.sql:1:1: COPY … FROM stdin needs psql"],
    ["-- tminus: up\nselect 1;", "1_x.sql:1:1: '-- tminus: up' belongs into native files"],
    ["select 'a", "1_x.sql:1:8: a string is never closed"],
  ])("refuses %j with its place and what to write instead", (text, reason) => {
    expect(parse(text).refusals?.join("\n")).toContain(reason);
  });

  it("lets braces stand in strings, and savepoints where they are", () => {
    const migration = parse(
      "insert into mail values ('Dear {{ name }}');\nsavepoint a;\nrollback to savepoint a;",
    );
    expect(migration.refusals).toBeUndefined();
    expect(migration.up).toHaveLength(3);
  });

  it("knows by its statements that a file cannot run in a transaction", () => {
    expect(parse("create index concurrently i on t (a);").transactional).toBe(false);
    expect(parse("create index i on t (a);").transactional).toBe(true);
  });

  it("takes an undo in one transaction for a file in pieces, but not the other way round", () => {
    const undo = (text: string, down: string): string[] | undefined =>
      parseForeign({
        format: "prisma",
        version: "1",
        name: "x",
        file: "1/migration.sql",
        text,
        down: { file: "1/down.sql", text: down },
      }).refusals;
    expect(undo("create index concurrently i on t (a);", "drop table t;")).toBeUndefined();
    expect(undo("create index i on t (a);", "drop index concurrently i;")).toEqual([
      "1/down.sql:1:1: CONCURRENTLY cannot undo a file that is one transaction: drop the index without it",
    ]);
  });

  it("keeps the phase that a comment names", () => {
    expect(parse("-- tminus: phase contract\ndrop table t;").phase).toBe("contract");
  });
});
