import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule, type LintContext, type LintStatement } from "../../define-rule.ts";

const WITH_DEFAULT =
  "create table readings_rest partition of readings default; insert into readings select date '2030-01-01', 1 from generate_series(1, 500);";

export const defaultPartitionScan = defineRule({
  id: "default-partition-scan",
  summary: "A new partition beside a DEFAULT partition whose rows are not known to belong elsewhere.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the default partition until all of its rows are compared with the new bounds, and one that fits ends it with an error. A valid CHECK that excludes the bounds makes it a moment.",
  bad: [
    {
      before: WITH_DEFAULT,
      sql: "create table readings_2027 (like readings); alter table readings attach partition readings_2027 for values from ('2027-01-01') to ('2028-01-01');",
      effect: { scans: "readings_rest" },
    },
    {
      before: WITH_DEFAULT,
      sql: "create table readings_2027 partition of readings for values from ('2027-01-01') to ('2028-01-01');",
      effect: { scans: "readings_rest" },
    },
  ],
  good: [
    {
      before: WITH_DEFAULT,
      sql: [
        "alter table readings_rest add constraint not_2027 check (taken_on < '2027-01-01' or taken_on >= '2028-01-01') not valid;",
        "alter table readings_rest validate constraint not_2027;",
        "create table readings_2027 (like readings); alter table readings attach partition readings_2027 for values from ('2027-01-01') to ('2028-01-01');",
      ],
    },
  ],
  check(statement, context) {
    const { catalog, isLive } = context;
    const parent = parentOfNew(statement, context);
    if (parent === undefined) return [];
    const rest = [...catalog.tables.values()].find(
      ({ partitionOf, isDefaultPartition }) => partitionOf === parent && isDefaultPartition === true,
    );
    if (rest === undefined || !isLive(rest.key)) return [];
    if ([...rest.constraints.values()].some(({ kind, isValid }) => kind === "check" && isValid)) return [];
    return [
      {
        message: `every row of ${shown(rest.key)} is compared with the new bounds while nobody can read or write it`,
        hint: `Before, in files of their own: ALTER TABLE ${shown(rest.key)} ADD CHECK that excludes the new bounds NOT VALID, then VALIDATE it.`,
        relation: rest.key,
      },
    ];
  },
  noRewrite:
    "The check that spares the scan refuses rows of the running release that belong to the new partition until it is there: decide when none are written, or move them first.",
});

/** The partitioned table that gets a partition with bounds. */
function parentOfNew(statement: LintStatement, { catalog }: LintContext): string | undefined {
  const [attach] = commandsOf(statement, catalog, "AT_AttachPartition");
  const bound = treeOf(attach?.tree.def, "PartitionCmd")?.bound;
  if (attach !== undefined) return bound?.is_default === true ? undefined : attach.table;
  const created = treeOf(statement.node, "CreateStmt");
  const parent = treeOf(created?.inhRelations?.[0], "RangeVar");
  if (created?.partbound === undefined || created.partbound.is_default === true || parent === undefined)
    return undefined;
  return keyOf(catalog, parent);
}
