import { customerOf, OLD_RELEASE, statement } from "./releases.ts";
import { writesColumn, writesUnderNewName } from "./new-column.ts";
import type { DrillKind } from "./run-kind.ts";
import type { Owner, Write } from "./writers.ts";

const remains = (...columns: string[]): string =>
  `select count(*)::int as remains from pg_attribute where attrelid = 'customers'::regclass
   and not attisdropped and attname in (${columns.map((name) => `'${name}'`).join(", ")})`;

const SYNC = (before: string, after: string): string => `
create function sync_${after}() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.${after} := coalesce(new.${after}, new.${before});
    new.${before} := coalesce(new.${before}, new.${after});
  elsif new.${after} is distinct from old.${after} then
    new.${before} := new.${after};
  elsif new.${before} is distinct from old.${before} then
    new.${after} := new.${before};
  end if;
  return new;
end $$;
create trigger sync_${after} before insert or update on customers for each row execute function sync_${after}();
`;

export const COLUMN_KINDS: readonly DrillKind[] = [
  {
    title: "add a column",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_email.sql":
            "-- tminus: up\nalter table customers add column email text;\n-- tminus: down\nalter table customers drop column email;\n",
        },
      },
    ],
    next: writesColumn("email"),
    extras: "select code || '|' || email from customers where email is not null",
    loss: { noun: "emails \\(customers\\.email\\)", of: "extras" },
    remains: remains("email"),
  },
  {
    title: "add a required column with a default",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_tier.sql":
            "-- tminus: up\nalter table customers add column tier text not null default 'basic';\n-- tminus: down\nalter table customers drop column tier;\n",
        },
      },
    ],
    next: writesColumn("tier"),
    extras: "select code || '|' || tier from customers where tier <> 'basic'",
    loss: { noun: "tiers \\(customers\\.tier\\)", of: "extras" },
    remains: remains("tier"),
  },
  {
    title: "add a required column: nullable, backfill with a kept trigger, check, not null",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_handle.sql":
            "-- tminus: up\nalter table customers add column handle text;\n-- tminus: down\nalter table customers drop column handle;\n",
        },
      },
      {
        kind: "backfill",
        with: {
          table: "customers",
          set: { handle: "lower(name)" },
          where: "handle is null",
          trigger: "keep",
          undo: "set null",
        },
      },
      {
        kind: "migrate",
        files: {
          "2_check.sql":
            "-- tminus: up\nalter table customers add constraint handle_given check (handle is not null) not valid;\n-- tminus: down\nalter table customers drop constraint handle_given;\n",
          "3_validate.sql":
            "-- tminus: up\nalter table customers validate constraint handle_given;\n-- tminus: down\nselect 1;\n",
          "4_required.sql":
            "-- tminus: up\nalter table customers alter column handle set not null;\n-- tminus: down\nalter table customers alter column handle drop not null;\n",
        },
      },
    ],
    next: writesColumn("handle", ({ id, next }) => `name ${id} ${next}`),
    disagree: "select count(*)::int as disagree from customers where handle is null",
    remains: remains("handle"),
  },
  {
    title: "change a type: new column, sync trigger, backfill",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_visits_big.sql": `-- tminus: up
alter table customers add column visits_big bigint;
create function sync_visits_big() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.visits_big is distinct from old.visits_big then new.visits := new.visits_big;
  else new.visits_big := new.visits; end if;
  return new;
end $$;
create trigger sync_visits_big before insert or update on customers for each row execute function sync_visits_big();
-- tminus: down
drop trigger sync_visits_big on customers;
drop function sync_visits_big();
alter table customers drop column visits_big;
`,
        },
      },
      {
        kind: "backfill",
        with: {
          table: "customers",
          set: { visits_big: "visits" },
          where: "visits_big is distinct from visits",
        },
      },
    ],
    next: [countBig],
    disagree: "select count(*)::int as disagree from customers where visits_big is distinct from visits",
    remains: remains("visits_big"),
  },
  {
    title: "rename a column: new column, sync trigger both ways, backfill",
    stages: [
      {
        kind: "migrate",
        files: {
          "1_full_name.sql": `-- tminus: up
alter table customers add column full_name text;${SYNC("name", "full_name")}-- tminus: down
drop trigger sync_full_name on customers;
drop function sync_full_name();
alter table customers drop column full_name;
`,
        },
      },
      {
        kind: "backfill",
        with: { table: "customers", set: { full_name: "name" }, where: "full_name is distinct from name" },
      },
    ],
    next: writesUnderNewName("full_name", "name"),
    disagree: "select count(*)::int as disagree from customers where full_name is distinct from name",
    remains: remains("full_name"),
  },
  {
    title: "backfill an empty column, and set it to null again",
    stages: [
      {
        kind: "backfill",
        with: { table: "customers", set: { slug: "lower(code)" }, where: "slug is null", undo: "set null" },
      },
    ],
    remains: "select count(slug)::int as remains from customers",
  },
];

/** Counts in the wider column. */
function countBig(owner: Owner): Write {
  const code = owner.customers[owner.next % owner.customers.length];
  if (code === undefined) return OLD_RELEASE[0]!(owner);
  const name = `Counted ${owner.id} ${owner.next}`;
  return {
    statements: [
      statement("update customers set visits_big = visits_big + 1, name = $2 where code = $1", [code, name]),
    ],
    landed: { text: "select 1 from customers where code = $1 and name = $2", values: [code, name] },
    acknowledge(journal) {
      const customer = customerOf(journal, code);
      customer.name = name;
      customer.visits++;
    },
  };
}
