import pg from "pg";
import { expect, it } from "vitest";
import { chosenName } from "../../../../src/postgres/lint/rewrite/chosen-name.ts";
import { freshDatabase } from "../../../support/database.ts";

it("is the name that PostgreSQL chooses", async () => {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const cases = [
      ["t", ["a"]],
      ["t", ["a", "b"]],
      ["t".repeat(60), ["a"]],
      ["t", ["a".repeat(40), "b".repeat(40)]],
      ["t".repeat(40), ["a".repeat(40)]],
      ["ä".repeat(30), ["ö".repeat(25)]],
    ] as const;
    for (const [table, columns] of cases) {
      const quoted = columns.map((column) => pg.escapeIdentifier(column));
      const name = pg.escapeIdentifier(table);
      await client.query(`create table ${name} (${quoted.map((column) => `${column} int`).join(", ")})`);
      await client.query(`create index on ${name} (${quoted.join(", ")})`);
      await client.query(`create index on ${name} (${quoted.join(", ")})`);
      const { rows } = await client.query<{ name: string }>(
        "select relname as name from pg_class where relkind = 'i' and relnamespace = 'public'::regnamespace order by oid",
      );
      const taken: string[] = [];
      for (const { name: made } of rows) {
        expect(chosenName(table, columns, "idx", (wanted) => taken.includes(wanted))).toBe(made);
        taken.push(made);
      }
      await client.query(`drop table ${name}`);
    }
  } finally {
    await client.end();
    await database.drop();
  }
});
