/** Tables with rows on which the examples of the rules run. Everything is in the schema public. */
export const EXAMPLE_SCHEMA = `
create type order_status as enum ('new', 'paid', 'sent');
create domain percent as integer check (value between 0 and 100);
create table users (
  id bigint generated always as identity primary key,
  email text not null,
  name text,
  bio varchar(50),
  balance numeric(10, 2),
  visits integer,
  seen_at timestamp,
  is_active boolean
);
create unique index users_email_key on users (email);
create index users_name_idx on users (name);
create table orders (
  id bigint generated always as identity primary key,
  user_id bigint references users (id),
  status order_status not null default 'new',
  total integer not null,
  note text
);
create index orders_user_id_idx on orders (user_id);
create table items (
  order_id bigint,
  sku text,
  quantity integer
);
create table readings (taken_on date not null, value integer) partition by range (taken_on);
create table readings_2025 partition of readings for values from ('2025-01-01') to ('2026-01-01');
create table readings_2026 (taken_on date not null, value integer);
create view active_users as select id, email from users where is_active;
create materialized view order_totals as select user_id, sum(total) as total from orders group by user_id;
create unique index order_totals_user_id on order_totals (user_id);
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch_orders before update on orders for each row execute function touch();
alter table items enable row level security;
create policy items_read on items for select to public using (quantity > 0);
insert into users (email, name, bio, balance, visits, seen_at, is_active)
  select 'user' || n || '@example.com', 'User ' || n, 'bio ' || n, n, n, timestamp '2026-01-01' + n * interval '1 minute', n % 2 = 0
  from generate_series(1, 500) n;
insert into orders (user_id, total, note) select 1 + n % 500, n, 'note' from generate_series(1, 500) n;
insert into items select n, 'sku' || n % 7, n % 5 from generate_series(1, 500) n;
insert into readings select date '2025-01-01' + n % 300, n from generate_series(1, 500) n;
insert into readings_2026 select date '2026-01-01' + n % 300, n from generate_series(1, 500) n;
`;
