import { sha256 } from "../../../../src/lib/hash.ts";

export interface Customer {
  name: string;
  visits: number;
  phone: string | null;
  /** Of the release before the one that is running; null in what the running one writes. */
  legacy: string | null;
}

export interface Order {
  customer: string;
  amount: number;
  state: string;
}

/** What the clients were told is stored: the state that the database must be in, and how many writes made it. */
export interface Journal {
  customers: Map<string, Customer>;
  orders: Map<string, Order>;
  audit: Map<string, string>;
  /** What the new release wrote into what only it knows: key → value. */
  extras: Map<string, string>;
  acknowledged: number;
}

export const SEEDS = 2_000;
export const HOT = 10;

export const SCHEMA = `
  create type order_state as enum ('new', 'paid');
  create table customers (id bigint generated always as identity primary key, code text not null unique, name text not null,
    visits int not null default 0, phone text, legacy text, slug text);
  create table orders (id bigint generated always as identity primary key, ref text not null, customer_code text not null,
    amount int not null, state order_state not null default 'new');
  create index orders_ref on orders (ref);
  create table audit (id bigint generated always as identity primary key, ref text not null, what text not null);
  create function visited(customer text) returns void language sql begin atomic
    update customers set visits = visits + 1 where code = customer; end;
  create view open_orders as select ref, amount from orders where state = 'new';
  do $$ begin create role drill_shop; exception when duplicate_object or unique_violation then null; end $$;
  grant all on all tables in schema public to drill_shop;
  alter default privileges in schema public grant all on tables to drill_shop;
  insert into customers (code, name, phone, legacy) select 's-' || n, 'Seed ' || n, 'p' || n, 'l' || n from generate_series(1, ${SEEDS}) n;
  insert into customers (code, name) select 'hot-' || n, 'Hot ' || n from generate_series(1, ${HOT}) n;
  insert into audit (ref, what) select 'a-' || n, 'seed ' || n from generate_series(1, 200) n;`;

/** As SCHEMA leaves it. */
export function openJournal(): Journal {
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
  return {
    customers: new Map<string, Customer>([
      ...numbers(SEEDS).map((n): [string, Customer] => [
        `s-${n}`,
        { name: `Seed ${n}`, visits: 0, phone: `p${n}`, legacy: `l${n}` },
      ]),
      ...numbers(HOT).map((n): [string, Customer] => [
        `hot-${n}`,
        { name: `Hot ${n}`, visits: 0, phone: null, legacy: null },
      ]),
    ]),
    orders: new Map(),
    audit: new Map(numbers(200).map((n) => [`a-${n}`, `seed ${n}`])),
    extras: new Map(),
    acknowledged: 0,
  };
}

/** What is there, in the same form: rows and the SHA-256 over their sorted lines. */
export interface Digest {
  rows: number;
  hash: string;
}

/** What a database lacks for now, or all of it. */
export type Without = "legacy" | "phone" | "audit" | undefined;

export function expectedDigest({ customers, orders, audit }: Journal, without: Without): Digest {
  const lines = [
    ...[...customers].map(([code, { name, visits, phone, legacy }]) =>
      [
        "customer",
        code,
        name,
        visits,
        ...(without === "phone" ? [] : [phone ?? "-"]),
        ...(without === "legacy" ? [] : [legacy ?? "-"]),
      ].join("|"),
    ),
    ...[...orders].map(([ref, { customer, amount, state }]) =>
      ["order", ref, customer, amount, state].join("|"),
    ),
    ...(without === "audit" ? [] : [...audit].map(([ref, what]) => ["audit", ref, what].join("|"))),
  ];
  return digestOf(lines);
}

export function extrasDigest({ extras }: Journal): Digest {
  return digestOf([...extras].map(([key, value]) => `${key}|${value}`));
}

/** Over everything that the journal speaks of, with every row as often as it is there. */
export function stateSql(without: Without): string {
  const phone = without === "phone" ? "" : ", coalesce(phone, '-')";
  const legacy = without === "legacy" ? "" : ", coalesce(legacy, '-')";
  const audit = without === "audit" ? "" : "union all select concat_ws('|', 'audit', ref, what) from audit";
  return digestSql(
    `select concat_ws('|', 'customer', code, name, visits${phone}${legacy}) from customers
     union all select concat_ws('|', 'order', ref, customer_code, amount, state) from orders ${audit}`,
  );
}

/** Postgres hashes; `lines` is a query of one text column. */
export function digestSql(lines: string): string {
  return `select count(*)::int as rows,
    encode(sha256(convert_to(coalesce(string_agg(line, E'\\n' order by line collate "C"), ''), 'UTF8')), 'hex') as hash
    from (${lines}) as lines (line)`;
}

function digestOf(lines: string[]): Digest {
  return { rows: lines.length, hash: sha256(lines.sort().join("\n")) };
}
