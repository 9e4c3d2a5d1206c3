import { writesUnderNewName } from "./new-column.ts";
import { customerOf, newCode, OLD_RELEASE, statement } from "./releases.ts";
import type { DrillKind } from "./run-kind.ts";
import type { Owner, Write } from "./writers.ts";

const contract = (up: string, down: string): Record<string, string> => ({
  "1_contract.sql": `-- tminus: phase contract\n-- tminus: up\n${up}\n-- tminus: down\n${down}\n`,
});

export const CONTRACT_KINDS: readonly DrillKind[] = [
  {
    title: "contract drops a column, archived",
    stages: [
      {
        kind: "contract",
        files: contract(
          "alter table customers drop column legacy;",
          "alter table customers add column legacy text;",
        ),
      },
    ],
    previous: writesUnderNewName("legacy", "legacy"),
    without: "legacy",
    remains:
      "select 1 - count(*)::int as remains from pg_attribute where attrelid = 'customers'::regclass and attname = 'legacy'",
  },
  {
    title: "contract drops a table, archived",
    stages: [
      {
        kind: "contract",
        files: contract(
          "drop table audit;",
          "create table audit (id bigint generated always as identity primary key, ref text not null, what text not null);",
        ),
      },
    ],
    previous: [log, relog],
    without: "audit",
    remains: "select 1 - count(*)::int as remains from pg_class where relname = 'audit'",
  },
  {
    title: "contract changes a type with loss, archived",
    stages: [
      {
        kind: "contract",
        files: contract(
          "alter table customers alter column phone type varchar(40) using left(phone, 2);",
          "alter table customers alter column phone type text;",
        ),
      },
    ],
    running: [...OLD_RELEASE, call],
    without: "phone",
    remains:
      "select count(*)::int as remains from pg_attribute where attrelid = 'customers'::regclass and attname = 'phone' and atttypid = 'varchar'::regtype",
  },
];

function log(owner: Owner): Write {
  const ref = newCode(owner);
  return {
    statements: [statement("insert into audit (ref, what) values ($1, $2)", [ref, `did ${ref}`])],
    landed: { text: "select 1 from audit where ref = $1", values: [ref] },
    acknowledge(journal, { marked }) {
      journal.audit.set(ref, `did ${ref}`);
      marked.push(ref);
    },
  };
}

function relog(owner: Owner): Write {
  const ref = owner.marked[owner.next % owner.marked.length];
  if (ref === undefined) return log(owner);
  const what = `did again ${newCode(owner)}`;
  return {
    statements: [statement("update audit set what = $2 where ref = $1", [ref, what])],
    landed: { text: "select 1 from audit where ref = $1 and what = $2", values: [ref, what] },
    acknowledge: (journal) => void journal.audit.set(ref, what),
  };
}

/** Another number for a customer: it is to stay when the type is changed back. */
function call(owner: Owner): Write {
  const code = owner.customers[owner.next % owner.customers.length];
  if (code === undefined) return OLD_RELEASE[0]!(owner);
  const phone = `call-${owner.id}-${owner.next}`;
  return {
    statements: [statement("update customers set phone = $2 where code = $1", [code, phone])],
    landed: { text: "select 1 from customers where code = $1 and phone = $2", values: [code, phone] },
    acknowledge: (journal) => void (customerOf(journal, code).phone = phone),
  };
}
