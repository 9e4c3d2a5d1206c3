import { writeFile } from "node:fs/promises";
import { join } from "node:path";

interface File {
  up: string;
  down: string;
  /** Runs in pieces. */
  pieces?: boolean;
}

/** A made-up product's history in which every kind of statement that needs care occurs, in files of both kinds. */
export const FILES: readonly File[] = [
  {
    up: "create table users (id int primary key, email text, state text); insert into users select n, 'u' || n, 'new' from generate_series(1, 20) n;",
    down: "drop table users;",
  },
  {
    up: "create table orders (id int primary key, user_id int, total int); insert into orders select n, n, n * 10 from generate_series(1, 20) n;",
    down: "drop table orders;",
  },
  { up: "create type mood as enum ('sad', 'ok');", down: "drop type mood;" },
  {
    up: "create schema app; create table app.notes (id int primary key, body text);",
    down: "drop schema app cascade;",
  },
  {
    up: "create table events (at date not null, n int) partition by range (at); create table events_a partition of events for values from ('2025-01-01') to ('2026-01-01'); create table events_b partition of events for values from ('2026-01-01') to ('2027-01-01'); insert into events values ('2025-05-05', 1), ('2026-05-05', 2);",
    down: "drop table events;",
  },
  {
    pieces: true,
    up: "create index concurrently users_email on users (email);",
    down: "drop index concurrently users_email;",
  },
  {
    pieces: true,
    up: "alter table users add column score int; update users set score = id; create index concurrently users_score on users (score); insert into users values (100, 'x', 'new', 0);",
    down: "delete from users where id = 100; drop index concurrently users_score; alter table users drop column score;",
  },
  {
    pieces: true,
    up: "create index concurrently on orders (total); create index concurrently if not exists orders_user on orders (user_id);",
    down: "drop index concurrently orders_user; drop index concurrently orders_total_idx;",
  },
  {
    pieces: true,
    up: "create unique index concurrently users_email_key on users (email); alter table users add constraint users_email_key unique using index users_email_key;",
    down: "alter table users drop constraint users_email_key; vacuum users;",
  },
  {
    pieces: true,
    up: "alter table orders add constraint orders_user_fk foreign key (user_id) references users (id) not valid; alter table orders validate constraint orders_user_fk; insert into orders values (100, 1, 5);",
    down: "delete from orders where id = 100; alter table orders drop constraint orders_user_fk; vacuum orders;",
  },
  {
    pieces: true,
    up: "alter table users add column mood mood; alter type mood add value 'happy'; update users set mood = 'happy' where id < 5;",
    down: "alter table users drop column mood;",
  },
  {
    pieces: true,
    up: "drop index concurrently users_email; insert into app.notes values (1, 'dropped');",
    down: "delete from app.notes where id = 1; create index concurrently users_email on users (email);",
  },
  {
    pieces: true,
    up: "insert into app.notes values (2, 'before'); reindex index concurrently users_score; reindex table concurrently orders; insert into app.notes values (3, 'after');",
    down: "delete from app.notes where id in (2, 3); reindex (verbose) index concurrently users_score;",
  },
  {
    pieces: true,
    up: "update users set state = 'old' where id < 10; vacuum (analyze) users; update users set state = 'older' where id < 5;",
    down: "update users set state = 'new' where id < 10; vacuum users;",
  },
  {
    pieces: true,
    up: "alter table events detach partition events_a concurrently; insert into events_a values ('2025-06-06', 3);",
    down: "delete from events_a where n = 3; alter table events attach partition events_a for values from ('2025-01-01') to ('2026-01-01'); vacuum events_a;",
  },
  {
    pieces: true,
    up: "set search_path = app; alter table notes add column at date; create index concurrently notes_at on notes (at); create table tags (id int primary key); insert into tags values (1);",
    down: "set search_path = app; drop table tags; drop index concurrently notes_at; alter table notes drop column at;",
  },
  {
    pieces: true,
    up: "create index concurrently orders_a on orders (total, id); alter table orders add column note text; update orders set note = 'n'; create index concurrently orders_b on orders (note); alter table orders add column last text;",
    down: "alter table orders drop column last; drop index concurrently orders_b; alter table orders drop column note; drop index concurrently orders_a;",
  },
  ...plain(43),
];

/** Files that are one transaction, each another kind of change. */
function plain(count: number): File[] {
  const kinds: ((n: number) => File)[] = [
    (n) => ({
      up: `create table plain_${n} (id int primary key, a text); insert into plain_${n} values (1, 'a'), (2, 'b');`,
      down: `drop table plain_${n};`,
    }),
    (n) => ({
      up: `alter table users add column c_${n} int default ${n};`,
      down: `alter table users drop column c_${n};`,
    }),
    (n) => ({
      up: `update orders set total = total + ${n}; insert into orders values (${1000 + n}, 1, ${n});`,
      down: `delete from orders where id = ${1000 + n}; update orders set total = total - ${n};`,
    }),
    (n) => ({
      up: `create function f_${n}() returns int language sql as 'select ${n}'; create view v_${n} as select id, f_${n}() as f from users;`,
      down: `drop view v_${n}; drop function f_${n}();`,
    }),
    (n) => ({
      up: `create index i_${n} on orders (total, user_id); alter table orders add constraint c_${n} check (total > -${n});`,
      down: `alter table orders drop constraint c_${n}; drop index i_${n};`,
    }),
  ];
  return Array.from({ length: count }, (_, n) => kinds[n % kinds.length]!(n));
}

export function versionOf(index: number): string {
  return String(1001 + index);
}

export async function writeHistory(directory: string): Promise<void> {
  for (const [index, { up, down, pieces }] of FILES.entries()) {
    const head = pieces === true ? "-- tminus: no-transaction\n" : "";
    const lines = (sql: string): string => sql.replaceAll("; ", ";\n");
    await writeFile(
      join(directory, `${versionOf(index)}_step.sql`),
      `${head}-- tminus: up\n${lines(up)}\n-- tminus: down\n${lines(down)}\n`,
    );
  }
}
