import pg from "pg";
import { systemClock } from "../../../src/lib/clock.ts";
import type { ReadOnlyOptions } from "../../../src/postgres/readonly/set-mode.ts";
import { freshDatabase } from "../../support/database.ts";

export interface ReadOnlyWorld extends AsyncDisposable {
  url: string;
  /** As the superuser, or as a role of which the names are in `roles`. */
  query<Row extends pg.QueryResultRow>(text: string, role?: string): Promise<Row[]>;
  roles: { owner: string; app: string; reader: string; lender: string };
  options: ReadOnlyOptions;
}

/** A shop with a partitioned table, columns granted alone, and rights that were passed on. */
export async function openWorld(): Promise<ReadOnlyWorld> {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  const suffix = new URL(database.url).pathname.slice(1).replaceAll(/\W/g, "_");
  const [owner, app, reader, lender] = ["owner", "app", "reader", "lender"].map(
    (name) => `${name}_${suffix}`,
  );
  const roles = { owner: owner!, app: app!, reader: reader!, lender: lender! };
  await client.query(`
    create role ${owner}; create role ${app}; create role ${reader}; create role ${lender};
    create schema shop authorization ${owner}; grant usage on schema shop to public;
    set role ${owner};
    create table shop.orders (id bigint generated always as identity primary key, item text, twice text generated always as (item || item) stored);
    create table shop.parts (id int not null, at date not null) partition by range (at);
    create table shop.parts_2026 partition of shop.parts for values from ('2026-01-01') to ('2027-01-01');
    create table shop.plain (id int);
    create table shop."Odd Name" (id int);
    insert into shop.orders (item) values ('a'), ('b');
    grant insert on shop.orders to ${app};
    grant select on shop.orders to ${reader};
    grant select, insert, update, delete on shop.orders to ${lender} with grant option;
    grant update (item) on shop.orders to ${reader};
    grant select, insert, update, delete, truncate on shop.orders, shop.parts, shop.parts_2026, shop."Odd Name" to ${app};
    grant select, insert on shop."Odd Name" to public;
    set role ${lender};
    grant insert, select on shop.orders to ${reader};
    reset role`);
  return {
    url: database.url,
    roles,
    async query<Row extends pg.QueryResultRow>(text: string, role?: string) {
      if (role === undefined) return (await client.query<Row>(text)).rows;
      await client.query(`set role ${role}`);
      try {
        return (await client.query<Row>(text)).rows;
      } finally {
        await client.query("reset role");
      }
    },
    options: optionsFor(database.url),
    async [Symbol.asyncDispose]() {
      await client.query(`drop schema shop cascade; drop owned by ${Object.values(roles).join(", ")}`);
      await client.query(`drop role ${Object.values(roles).join(", ")}`);
      await client.end();
      await database.drop();
    },
  };
}

export function optionsFor(url: string): ReadOnlyOptions {
  return {
    connectionString: url,
    fence: { environment: "production", token: 1 },
    runKey: "run/step",
    appliedBy: "ann",
    lockTimeoutMs: 1_000,
    lockRetries: 20,
    statementTimeoutMs: 20_000,
    clock: systemClock,
    signal: new AbortController().signal,
    progress: () => undefined,
  };
}

/** Every ACL, byte by byte. */
export const GRANTS = `select c.oid::int as oid, c.relname, c.relacl::text, (select json_agg(a.attname || a.attacl::text order by attnum)
  from pg_attribute a where a.attrelid = c.oid and a.attacl is not null) as columns
  from pg_class c where c.relnamespace = 'shop'::regnamespace order by 1`;

export const TRIGGERS = "select count(*)::int as there from pg_trigger where tgname = 'tminus_readonly'";
