import type { CreateStmt, Node } from "libpg-query";
import { quotedName, relationOf } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import {
  defineRule,
  type LintContext,
  type LintStatement,
  type NotRewritten,
  type Rewrite,
} from "../../define-rule.ts";
import { chosenName } from "../../rewrite/chosen-name.ts";
import { identityOf } from "../../rewrite/identity-of.ts";
import { sqlOf } from "../../rewrite/sql-of.ts";

export const partitionLocksParent = defineRule({
  id: "partition-locks-parent",
  summary:
    "DETACH PARTITION without CONCURRENTLY, or CREATE TABLE … PARTITION OF: a lock on the whole partitioned table.",
  severity: "ask",
  requirements: ["C6"],
  why: "It takes a moment, but nobody can read or write any partition while it waits for its lock and until the transaction ends.",
  bad: [
    {
      sql: "alter table readings detach partition readings_2025;",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
    },
    {
      sql: "create table readings_2027 partition of readings for values from ('2027-01-01') to ('2028-01-01');",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
    },
    {
      before: `create table "Big" (id bigint generated always as identity, at date not null default current_date, note text check (note <> ''), primary key (id, at)) partition by range (at);
create index on "Big" (note);`,
      sql: `create table public."Big 1" partition of "Big" for values from (minvalue) to ('2027-01-01');`,
      effect: { lock: "AccessExclusiveLock", on: "Big" },
    },
    {
      sql: "create table readings_2027 partition of readings (value default 0) for values from ('2027-01-01') to ('2028-01-01');",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
      isLeft: true,
    },
    {
      before: "create table readings_rest partition of readings default;",
      sql: "alter table readings detach partition readings_2025;",
      effect: { lock: "AccessExclusiveLock", on: "readings" },
      isLeft: true,
    },
  ],
  good: [
    { sql: { outside: "alter table readings detach partition readings_2025 concurrently;" } },
    {
      sql: "create table readings_2027 (like readings); alter table readings attach partition readings_2027 for values from ('2027-01-01') to ('2028-01-01');",
    },
  ],
  check(statement, { catalog, isLive }) {
    const hint = "Write DETACH PARTITION … CONCURRENTLY outside a transaction.";
    const detached = commandsOf(statement, catalog, "AT_DetachPartition")
      .filter(({ table, tree }) => isLive(table) && treeOf(tree.def, "PartitionCmd")?.concurrent !== true)
      .map((command) => ({ ...placeOfCommand(command), message: said(command.table), hint }));
    const created = treeOf(statement.node, "CreateStmt");
    const parent =
      created?.partbound === undefined ? undefined : treeOf(created.inhRelations?.[0], "RangeVar");
    if (parent === undefined || !isLive(keyOf(catalog, parent))) return detached;
    return [
      ...detached,
      {
        message: said(keyOf(catalog, parent)),
        hint: "Create it as a table of its own (LIKE the partitioned one), then ATTACH PARTITION.",
        relation: keyOf(catalog, parent),
      },
    ];
  },
  rewrite(_finding, statement, context) {
    const created = treeOf(statement.node, "CreateStmt");
    return created === undefined ? detachBeside(statement, context) : attachInstead(created, context);
  },
});

function detachBeside(statement: LintStatement, { catalog }: LintContext): Rewrite | NotRewritten {
  const tree = treeOf(statement.node, "AlterTableStmt")!;
  const [detach] = commandsOf(statement, catalog, "AT_DetachPartition");
  const child = treeOf(detach?.tree.def, "PartitionCmd")?.name;
  const key = detach?.known?.partitionKey;
  if (detach === undefined || child === undefined || key === undefined)
    return { reason: "How the table is partitioned is not told by the files: CONCURRENTLY depends on it." };
  const hasDefault = [...catalog.tables.values()].some(
    ({ partitionOf, isDefaultPartition }) => partitionOf === detach.table && isDefaultPartition === true,
  );
  if (hasDefault)
    return {
      reason:
        "PostgreSQL refuses CONCURRENTLY while there is a DEFAULT partition: detach that one first, or do it when few people are there.",
    };
  const childKey = keyOf(catalog, child);
  const known = catalog.tables.get(childKey);
  if (known === undefined || [...known.constraints.values()].some(({ kind }) => kind === "check"))
    return {
      reason:
        "Whether CONCURRENTLY leaves a check of the old bounds on the table is not told by the files: look when it has run.",
    };
  const [column, ...more] = key.columns;
  if (column === undefined)
    return { reason: "The check that CONCURRENTLY leaves on the table has a name that cannot be told." };
  const name = chosenName(known.name, more.length === 0 ? [column] : [], "check", (taken) =>
    known.constraints.has(taken),
  );
  const parent = quotedName(relationOf(tree.relation!));
  const sql = `alter table ${parent} detach partition ${quotedName(relationOf(child))} concurrently;\n`;
  return {
    steps: [{ suffix: "detach", transactional: false, sql }],
    differs: [
      {
        object: `constraint ${identityOf(known.schema, known.name, name)}`,
        because: "CONCURRENTLY leaves the old bounds as a check, with which attaching it again reads no row",
      },
    ],
  };
}

function attachInstead(tree: CreateStmt, { catalog }: LintContext): Rewrite | NotRewritten {
  const parent = treeOf(tree.inhRelations?.[0], "RangeVar");
  const known = catalog.tables.get(keyOf(catalog, parent));
  const isPlain =
    (tree.tableElts ?? []).length === 0 &&
    (tree.options ?? []).length === 0 &&
    tree.partspec === undefined &&
    tree.tablespacename === undefined &&
    tree.accessMethod === undefined &&
    tree.if_not_exists !== true &&
    tree.relation?.relpersistence === "p" &&
    (tree.oncommit ?? "ONCOMMIT_NOOP") === "ONCOMMIT_NOOP";
  if (parent === undefined || known === undefined || known.hasOwnStorage === true || !isPlain)
    return {
      reason:
        "The partition has something that LIKE does not take over: create it as a table of its own by hand, then attach it.",
    };
  const table = quotedName(relationOf(tree.relation!));
  const like = `create table ${table} (like ${quotedName(relationOf(parent))} ${TAKEN_OVER});`;
  const attach: Node = {
    AlterTableStmt: {
      relation: parent,
      cmds: [
        {
          AlterTableCmd: {
            subtype: "AT_AttachPartition",
            def: { PartitionCmd: { name: tree.relation!, bound: tree.partbound! } },
            behavior: "DROP_RESTRICT",
          },
        },
      ],
      objtype: "OBJECT_TABLE",
    },
  };
  const sql = `${like}\n${sqlOf(attach)}\n`;
  return { steps: [{ suffix: "attach", transactional: true, sql, down: `drop table ${table};\n` }] };
}

function said(table: string): string {
  return `nobody can read or write any partition of ${shown(table)} until the transaction ends`;
}

/** Indexes, identity and triggers come with ATTACH. */
const TAKEN_OVER =
  "including defaults including constraints including generated including storage including compression";
