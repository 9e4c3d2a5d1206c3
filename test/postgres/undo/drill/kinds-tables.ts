import { customerOf, newCode, OLD_RELEASE, statement } from "./releases.ts";
import type { DrillKind } from "./run-kind.ts";
import type { Owner, Write } from "./writers.ts";

const file = (up: string, down: string, head = ""): string =>
  `${head}-- tminus: up\n${up}\n-- tminus: down\n${down}\n`;
const OUTSIDE = "-- tminus: no-transaction\n";

export const TABLE_KINDS: readonly DrillKind[] = [
  {
    title: "create a table",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_notes.sql": file(
            "create table notes (id bigint generated always as identity primary key, ref text not null, body text not null);",
            "drop table notes;",
          ),
        },
      },
    ],
    next: [note, renote],
    extras: "select ref || '|' || body from notes",
    loss: { noun: "rows of notes", of: "extras" },
    remains: "select count(*)::int as remains from pg_class where relname = 'notes'",
  },
  {
    title: "create an index concurrently",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_index.sql": file(
            "create index concurrently orders_customer on orders (customer_code);",
            "drop index concurrently orders_customer;",
            OUTSIDE,
          ),
        },
      },
    ],
    remains: "select count(*)::int as remains from pg_class where relname = 'orders_customer'",
  },
  {
    title: "add a check constraint, validated later",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_check.sql": file(
            "alter table orders add constraint amount_positive check (amount >= 0) not valid;",
            "alter table orders drop constraint amount_positive;",
          ),
          "2_validate.sql": file("alter table orders validate constraint amount_positive;", "select 1;"),
        },
      },
    ],
    remains: "select count(*)::int as remains from pg_constraint where conname = 'amount_positive'",
  },
  {
    title: "add a foreign key, validated later",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_key.sql": file(
            "alter table orders add constraint orders_customer foreign key (customer_code) references customers (code) not valid;",
            "alter table orders drop constraint orders_customer;",
          ),
          "2_validate.sql": file("alter table orders validate constraint orders_customer;", "select 1;"),
        },
      },
    ],
    remains: "select count(*)::int as remains from pg_constraint where conname = 'orders_customer'",
  },
  {
    title: "add a unique constraint by an index",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_index.sql": file(
            "create unique index concurrently orders_ref_key on orders (ref);",
            "drop index concurrently if exists orders_ref_key;",
            OUTSIDE,
          ),
          "2_unique.sql": file(
            "alter table orders add constraint orders_ref_key unique using index orders_ref_key;",
            "alter table orders drop constraint orders_ref_key;",
          ),
        },
      },
    ],
    remains: "select count(*)::int as remains from pg_class where relname = 'orders_ref_key'",
  },
  {
    title: "split a table, both parts kept in step by triggers",
    stages: [{ kind: "migrate", files: { "1_contacts.sql": splitFile() } }],
    next: [callContact],
    disagree: `select count(*)::int as disagree from customers c full join contacts o on o.code = c.code
      where c.code is null or o.code is null or c.phone is distinct from o.phone`,
    loss: { noun: "rows of contacts", of: "some" },
    remains: "select count(*)::int as remains from pg_class where relname = 'contacts'",
  },
];

function splitFile(): string {
  return file(
    `lock table customers in share row exclusive mode;
create table contacts (code text primary key, phone text);
create function split_contacts() returns trigger language plpgsql security definer as $$
begin
  if pg_trigger_depth() > 1 then return null; end if;
  if tg_op = 'DELETE' then delete from contacts where code = old.code;
  elsif tg_op = 'INSERT' then insert into contacts values (new.code, new.phone);
  elsif new.phone is distinct from old.phone then update contacts set phone = new.phone where code = new.code;
  end if;
  return null;
end $$;
create function join_contacts() returns trigger language plpgsql security definer as $$
begin
  if pg_trigger_depth() = 1 then update customers set phone = new.phone where code = new.code; end if;
  return null;
end $$;
create trigger split_contacts after insert or update or delete on customers for each row execute function split_contacts();
create trigger join_contacts after update on contacts for each row execute function join_contacts();
insert into contacts select code, phone from customers;`,
    `drop trigger split_contacts on customers;
drop table contacts;
drop function split_contacts();
drop function join_contacts();`,
  );
}

/** A row of the new table, together with a count in an old one. */
function note(owner: Owner): Write {
  const ref = newCode(owner);
  const customer = `hot-${(owner.next % 10) + 1}`;
  return {
    statements: [
      statement("update customers set visits = visits + 1 where code = $1", [customer]),
      statement("insert into notes (ref, body) values ($1, $2)", [ref, `note ${ref}`]),
    ],
    landed: { text: "select 1 from notes where ref = $1", values: [ref] },
    acknowledge(journal, { marked }) {
      customerOf(journal, customer).visits++;
      journal.extras.set(ref, `note ${ref}`);
      marked.push(ref);
    },
  };
}

function renote(owner: Owner): Write {
  const ref = owner.marked[owner.next % owner.marked.length];
  if (ref === undefined) return note(owner);
  const body = `again ${newCode(owner)}`;
  return {
    statements: [statement("update notes set body = $2 where ref = $1", [ref, body])],
    landed: { text: "select 1 from notes where ref = $1 and body = $2", values: [ref, body] },
    acknowledge: (journal) => void journal.extras.set(ref, body),
  };
}

/** Writes a phone number where the new release has it. */
function callContact(owner: Owner): Write {
  const code = owner.customers[owner.next % owner.customers.length];
  if (code === undefined) return OLD_RELEASE[0]!(owner);
  const phone = `p-${owner.id}-${owner.next}`;
  return {
    statements: [statement("update contacts set phone = $2 where code = $1", [code, phone])],
    landed: { text: "select 1 from contacts where code = $1 and phone = $2", values: [code, phone] },
    acknowledge: (journal) => void (customerOf(journal, code).phone = phone),
  };
}
