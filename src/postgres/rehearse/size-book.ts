import type { Sizes } from "./forecast.ts";
import type { Production } from "./production.ts";
import { FOREIGN_SCHEMAS, relationName } from "./reading.ts";
import type { Workbench } from "./workbench.ts";

/** Keeps apart which table is which while the files rename them. */
export interface SizeBook {
  /** Names of what the files that have run make. */
  made: ReadonlySet<string>;
  /** By the names that the relations have now. */
  now(): Promise<Sizes>;
}

interface SizeRow {
  oid: string;
  schema: string;
  name: string;
  rows: number;
}

/** To be opened when the schema is production's, and analyzed. */
export async function openSizes(bench: Workbench, production: Production): Promise<SizeBook> {
  const first = await readSizes(bench);
  const before = new Map(first.map((row) => [row.oid, row]));
  return {
    made: new Set(first.map(({ schema, name }) => relationName(schema, name))),
    async now() {
      const here = new Map<string, number>();
      const there = new Map<string, number | null>();
      for (const row of await readSizes(bench)) {
        const was = before.get(row.oid);
        if (was === undefined) continue;
        const name = relationName(row.schema, row.name);
        here.set(name, Math.max(0, was.rows));
        const rows = production.rows.get(relationName(was.schema, was.name));
        if (rows !== undefined) there.set(name, rows);
      }
      return { here, production: there };
    },
  };
}

async function readSizes(bench: Workbench): Promise<SizeRow[]> {
  return bench.query<SizeRow>(
    `select c.oid::text as oid, n.nspname::text as schema, c.relname::text as name, c.reltuples::float8 as rows
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm', 'v', 'f') and n.nspname !~ '${FOREIGN_SCHEMAS}'`,
  );
}
