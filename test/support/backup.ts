import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import type { ScratchServer } from "../../src/model/ports.ts";
import { dumpDatabase, type DumpOptions } from "../../src/postgres/backup/dump.ts";
import type { StoredBackup } from "../../src/postgres/backup/files.ts";
import { openSession } from "../../src/postgres/session/connect.ts";
import { freshDatabase } from "./database.ts";

const limits = { jobs: 2, statementTimeoutMs: 60_000, clock: systemClock, progress: () => undefined };

/** What most calls of the room need and these tests do not care about. */
export const backupLimits: typeof limits = limits;

/** Scratch databases on the server of this test run; roles made there stay. */
export const testScratch: ScratchServer = {
  async createDatabase() {
    const { url, drop } = await freshDatabase();
    return { connectionString: url, [Symbol.asyncDispose]: drop };
  },
};

/** Runs a script of several statements. */
export async function runSql(connectionString: string, script: string): Promise<void> {
  await using session = await openSession({ connectionString, purpose: "test", statementTimeoutMs: 60_000 });
  await session.query(script);
}

export async function querySql<Row extends Record<string, unknown>>(
  connectionString: string,
  text: string,
): Promise<Row[]> {
  await using session = await openSession({ connectionString, purpose: "test", statementTimeoutMs: 60_000 });
  return await session.query<Row>(text);
}

/** A folder for backups, gone when it is disposed of. */
export async function backupDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "tminus-backup-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export function dumpForTest(
  connectionString: string,
  directory: string,
  change: Partial<DumpOptions> = {},
): Promise<StoredBackup> {
  return dumpDatabase({
    connectionString,
    directory,
    key: null,
    label: "test",
    exclude: [],
    ...limits,
    ...change,
  });
}

/** A schema with one of nearly everything that is covered. Roles stay on the server. */
export const RICH_SCHEMA = `
  do $$ begin create role backup_reader; exception when duplicate_object then null; end $$;
  do $$ begin create role "Backup Owner"; exception when duplicate_object then null; end $$;
  create schema shop; comment on schema shop is 'the shop''s \\ things'; create schema "Odd schema";
  create extension citext with schema shop; create extension pg_trgm;
  create type shop.mood as enum ('ok', 'it''s bad'); create type shop.pair as (a int, b text collate "C");
  create type shop.span as range (subtype = float8);
  create domain shop.email as text default 'x@y' check (value like '%@%');
  create table shop.users (
    id bigint generated always as identity (start 100 increment 5) primary key, name text not null, email shop.email,
    mood shop.mood default 'ok', mail shop.citext unique, full_name text generated always as (upper(name)) stored,
    tags text[] default '{}', p shop.pair, moods shop.mood[], n numeric(10, 2) check (n > 0), d double precision, j jsonb,
    created timestamptz default now(), fillme text collate "C") with (fillfactor = 70, autovacuum_enabled = false);
  alter table shop.users alter column d set storage plain, alter column name set statistics 300;
  comment on table shop.users is 'people'; comment on column shop.users.name is 'the name';
  create table shop.orders (id serial primary key, user_id bigint references shop.users on delete cascade,
    total numeric not null default 0, constraint positive check (total >= 0) not valid);
  create index on shop.orders (user_id) where total > 0;
  create index users_trgm on shop.users using gin (name public.gin_trgm_ops);
  create table shop.events (id bigint, at date not null, note text, primary key (id, at)) partition by range (at);
  create table shop.events_1 partition of shop.events for values from ('2026-01-01') to ('2026-02-01');
  create table shop.events_d partition of shop.events default;
  create index events_note on shop.events (note);
  create view shop.totals with (security_invoker = true) as
    select u.id, u.name, sum(o.total) as t from shop.users u join shop.orders o on o.user_id = u.id group by u.id;
  create materialized view shop.mv as select count(*) from shop.users; create unique index on shop.mv (count);
  create function shop.touch() returns trigger language plpgsql as $$ begin new.name := trim(new.name); return new; end $$;
  create function shop.f(x shop.users) returns int language sql begin atomic select count(*)::int from shop.orders; end;
  create procedure shop.later() language sql as 'select 1';
  create trigger t before insert on shop.users for each row execute function shop.touch();
  alter table shop.users disable trigger t;
  alter table shop.users enable row level security; alter table shop.users force row level security;
  create policy mine on shop.users for select to backup_reader using (name = current_user);
  create policy own on shop.users as restrictive for insert with check (n > 1);
  grant usage on schema shop to backup_reader; grant select, insert on shop.users to backup_reader;
  grant update (name) on shop.users to "Backup Owner"; revoke execute on function shop.f(shop.users) from public;
  alter default privileges in schema shop grant select on tables to backup_reader;
  alter default privileges revoke execute on functions from public;
  create table "Odd schema"."T able" ("a b" int, "C" text); alter table "Odd schema"."T able" owner to "Backup Owner";
  create table base (a int not null, b text); create table kid (c int) inherits (base);
  create unlogged table scratchpad (x int unique deferrable initially deferred, exclude using gist (box(point(x, x), point(x, x)) with &&));
  create statistics shop.st on name, email from shop.users; create rule r as on delete to base do instead nothing;
  create sequence shop.plain increment -1;
  create function shop.ev() returns event_trigger language plpgsql as 'begin end';
  create event trigger backup_et on ddl_command_end when tag in ('CREATE TABLE') execute function shop.ev();
  comment on constraint positive on shop.orders is 'p'; comment on index shop.users_trgm is 'i';
  comment on function shop.touch() is 'f'; comment on type shop.pair is 'ty'; comment on policy mine on shop.users is 'po';
  comment on trigger t on shop.users is 'tr'; comment on view shop.totals is 'v'; comment on column shop.totals.t is 'vc';
  comment on domain shop.email is 'd';
`;

export const RICH_ROWS = `
  insert into shop.users (name, email, mail, n, d, j, p, moods)
    select 'n' || g, 'a@b', 'M' || g, g + 0.10, g / 3.0, jsonb_build_object('a', g), row(g, 'x')::shop.pair, array['ok']::shop.mood[]
    from generate_series(1, 500) g;
  insert into shop.orders (user_id, total) select 100, g from generate_series(1, 500) g;
  insert into shop.events select g, '2026-01-01'::date + g % 60, repeat('x', 50) from generate_series(1, 1000) g;
  refresh materialized view shop.mv;
  insert into base select 1, 'b'; insert into kid values (1, 'a', 2);
  insert into "Odd schema"."T able" values (1, E'a\\tb\\\\c\\n'), (null, null), (2, '\\N');
  select setval('shop.plain', -7, false);
`;
