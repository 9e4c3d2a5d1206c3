import pg from "pg";
import { systemClock } from "../../../src/lib/clock.ts";
import { randomText } from "../../../src/lib/id.ts";
import { backfillSchema, type BackfillSettings } from "../../../src/model/backfill.ts";
import type { BackfillOptions } from "../../../src/postgres/backfill/worker.ts";
import { freshDatabase } from "../../support/database.ts";

export interface BackfillWorld extends AsyncDisposable {
  url: string;
  progress: string[];
  query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]>;
  /** Makes a role that owns the table and may make schemas; answers its name. Gone with the world. */
  makeOwner(table: string): Promise<string>;
  /** The same database, for another role. */
  urlOf(role: string): string;
  options(more?: Partial<BackfillOptions>): BackfillOptions;
}

/** A database with a table of rows in which only the e-mail is known. */
export async function openWorld(rows = 2_000): Promise<BackfillWorld> {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query(
    "create table users (id bigint primary key, email text not null, handle text, note text not null default '')",
  );
  await client.query(
    "insert into users (id, email) select n, 'Person-' || n || '@Example.com' from generate_series(1, $1::int) n",
    [rows],
  );
  const progress: string[] = [];
  const roles: string[] = [];
  return {
    url: database.url,
    progress,
    query: async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows,
    async makeOwner(table) {
      const role = `tminus_owner_${randomText(8)}`;
      await client.query(
        `create role ${role} login; grant all on schema public to ${role}; alter table ${table} owner to ${role};
         do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$`,
      );
      roles.push(role);
      return role;
    },
    urlOf(role) {
      const url = new URL(database.url);
      url.username = role;
      return url.href;
    },
    options: (more = {}) => ({
      connectionString: database.url,
      fence: { environment: "production", token: 1 },
      runKey: "run/step",
      startedBy: "ann",
      clock: systemClock,
      signal: new AbortController().signal,
      progress: (text) => void progress.push(text),
      ...more,
    }),
    async [Symbol.asyncDispose]() {
      for (const role of roles) await client.query(`drop owned by ${role} cascade; drop role ${role}`);
      await client.end();
      await database.drop();
    },
  };
}

export function settingsOf(more: Partial<Record<keyof BackfillSettings, unknown>> = {}): BackfillSettings {
  return backfillSchema.parse({ table: "users", set: { handle: "lower(email)" }, ...more });
}

/** Rows without the value that they should have. */
export const WRONG = "select count(*)::int as wrong from users where handle is distinct from lower(email)";
