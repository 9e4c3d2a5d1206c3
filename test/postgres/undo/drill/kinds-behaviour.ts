import { HOT } from "./journal.ts";
import { customerOf, newCode, OLD_RELEASE, statement } from "./releases.ts";
import type { DrillKind } from "./run-kind.ts";
import type { Owner, Write } from "./writers.ts";

const migration = (up: string, down?: string): Record<string, string> => ({
  "1_change.sql": `-- tminus: up\n${up}\n${down === undefined ? "" : `-- tminus: down\n${down}\n`}`,
});

export const BEHAVIOUR_KINDS: readonly DrillKind[] = [
  {
    title: "add a value to an enum, which nothing takes back",
    stages: [{ kind: "migrate", files: migration("alter type order_state add value 'sent';") }],
    next: [
      order("insert into orders (ref, customer_code, amount, state) values ($1, $2, $3, 'sent')", "sent"),
    ],
    stays: "1_change.sql has no down section; nothing was undone",
    remains: "select 0 as remains",
  },
  {
    title: "row-level security with a policy over a new column",
    stages: [
      {
        kind: "migrate",
        files: migration(
          `alter table orders add column tenant text not null default 'one';
create policy own_tenant on orders using (tenant = (select current_setting('shop.tenant', true)));
alter table orders enable row level security;`,
          `alter table orders disable row level security;
drop policy own_tenant on orders;
alter table orders drop column tenant;`,
        ),
      },
    ],
    next: [
      order("insert into orders (ref, customer_code, amount, tenant) values ($1, $2, $3, 'one')", "new"),
    ],
    remains: "select count(*)::int as remains from pg_class where relname = 'orders' and relrowsecurity",
  },
  {
    title: "replace a function and a view",
    stages: [
      {
        kind: "migrate",
        files: migration(
          `create or replace function visited(customer text) returns void language sql begin atomic
  update customers set visits = visits + 1, slug = 'visited' where code = customer; end;
create or replace view open_orders as select ref, amount, customer_code from orders where state = 'new';`,
          `create or replace function visited(customer text) returns void language sql begin atomic
  update customers set visits = visits + 1 where code = customer; end;
drop view open_orders;
create view open_orders as select ref, amount from orders where state = 'new';`,
        ),
      },
    ],
    running: [...OLD_RELEASE, visit("select count(amount) from open_orders where ref = $1")],
    next: [visit("select count(customer_code) from open_orders where ref = $1")],
    remains:
      "select count(*)::int as remains from pg_attribute where attrelid = 'open_orders'::regclass and attname = 'customer_code'",
  },
  {
    title: "change the step of an identity column",
    stages: [
      {
        kind: "migrate",
        files: migration(
          "alter table orders alter column id set increment by 10;",
          "alter table orders alter column id set increment by 1;",
        ),
      },
    ],
    disagree: "select (count(*) - count(distinct id))::int as disagree from orders",
    remains:
      "select (seqincrement - 1)::int as remains from pg_sequence where seqrelid = 'orders_id_seq'::regclass",
  },
  {
    title: "read-only mode on",
    stages: [{ kind: "readonly", with: { mode: "on" } }],
    refusesWrites: true,
    remains: "select count(*)::int as remains from pg_trigger where tgname like '%tminus%'",
  },
];

function order(text: string, state: string) {
  return (owner: Owner): Write => {
    const ref = newCode(owner);
    const customer = hotOne(owner);
    return {
      statements: [statement(text, [ref, customer, 5])],
      landed: { text: "select 1 from orders where ref = $1", values: [ref] },
      acknowledge: (journal) => void journal.orders.set(ref, { customer, amount: 5, state }),
    };
  };
}

/** Reads the view, counts by the function, and leaves an order, by which it can be told that it did. */
function visit(read: string) {
  return (owner: Owner): Write => {
    const ref = newCode(owner);
    const customer = hotOne(owner);
    return {
      statements: [
        statement(read, [ref]),
        statement("select visited($1)", [customer]),
        statement("insert into orders (ref, customer_code, amount) values ($1, $2, $3)", [ref, customer, 7]),
      ],
      landed: { text: "select 1 from orders where ref = $1", values: [ref] },
      acknowledge(journal) {
        customerOf(journal, customer).visits++;
        journal.orders.set(ref, { customer, amount: 7, state: "new" });
      },
    };
  };
}

function hotOne({ next }: Owner): string {
  return `hot-${(next % HOT) + 1}`;
}
