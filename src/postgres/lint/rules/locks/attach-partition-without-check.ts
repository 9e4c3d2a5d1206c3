import { quoted, quotedName, relationOf } from "../../../sql/names.ts";
import { treeOf } from "../../../sql/tree.ts";
import { indexesOf, keyOf, shown, type Catalog, type Index, type Table } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { chosenName } from "../../rewrite/chosen-name.ts";
import { boundsCondition } from "../../rewrite/partition-bounds.ts";

export const attachPartitionWithoutCheck = defineRule({
  id: "attach-partition-without-check",
  summary:
    "ATTACH PARTITION of a table without a validated check that proves its bounds, or without the indexes of the other partitions.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the partition until every row is compared with the bounds. A valid CHECK of the same bounds makes it a moment, as long as no index has to be built: those that the partitioned table has and the new partition has not are built under the same lock.",
  bad: [
    {
      sql: "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      effect: { scans: "readings_2026" },
    },
    {
      before: `create table public."Sales" ("Region" text not null, amount integer) partition by list ("Region");
create table public."Sales north" (amount integer, "Region" text not null);
insert into "Sales north" select n, 'north' from generate_series(1, 500) n;
create index on "Sales" (amount); create index on "Sales north" (amount);`,
      sql: `alter table "Sales" attach partition "Sales north" for values in ('north', 'o''north');`,
      effect: { scans: "Sales north" },
    },
    {
      before: "create index on readings (value);",
      sql: "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      effect: { scans: "readings_2026" },
      isLeft: true,
    },
    {
      before: `create table parts (part bigint not null) partition by hash (part);
create table part_0 (part bigint not null);
insert into part_0 select 1 from generate_series(1, 500);`,
      sql: "alter table parts attach partition part_0 for values with (modulus 1, remainder 0);",
      effect: { scans: "part_0" },
      isLeft: true,
    },
    {
      before:
        "create index on readings (value); alter table readings_2026 add constraint bounds check (taken_on >= '2026-01-01' and taken_on < '2027-01-01');",
      sql: "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      effect: { scans: "readings_2026" },
      isLeft: true,
    },
  ],
  good: [
    {
      sql: [
        "alter table readings_2026 add constraint bounds check (taken_on >= '2026-01-01' and taken_on < '2027-01-01') not valid;",
        "alter table readings_2026 validate constraint bounds;",
        "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      ],
    },
    {
      before:
        "create index on readings (value); alter table readings_2026 add constraint bounds check (taken_on >= '2026-01-01' and taken_on < '2027-01-01');",
      sql: [
        { outside: "create index concurrently on readings_2026 (value);" },
        "alter table readings attach partition readings_2026 for values from ('2026-01-01') to ('2027-01-01');",
      ],
    },
  ],
  check(statement, { catalog, isLive }) {
    return commandsOf(statement, catalog, "AT_AttachPartition").flatMap((attach) => {
      const child = keyOf(catalog, treeOf(attach.tree.def, "PartitionCmd")?.name);
      if (!isLive(child)) return [];
      const table = catalog.tables.get(child);
      const constraints = [...(table?.constraints.values() ?? [])];
      const place = { ...placeOfCommand(attach), relation: child };
      if (!constraints.some(({ kind, isValid }) => kind === "check" && isValid))
        return [
          {
            ...place,
            message: `every row of ${shown(child)} is compared with the bounds while nobody can read or write it`,
            hint: `Before, in files of their own: ALTER TABLE ${shown(child)} ADD CHECK of the same bounds NOT VALID, then VALIDATE it.`,
          },
        ];
      const [lacking] =
        table?.isComplete === true ? lackingOn(table, attach.known, catalog).filter(isPlain) : [];
      if (lacking === undefined) return [];
      return [
        {
          ...place,
          message: `the index ${lacking.name} is built on ${shown(child)} while nobody can read or write it`,
          hint: `Before, in a file of its own: CREATE INDEX CONCURRENTLY on ${shown(child)} (${lacking.columns.join(", ")}), with a key of the same kind on it where the index belongs to one.`,
        },
      ];
    });
  },
  rewrite(_finding, statement, { catalog }) {
    const [attach] = commandsOf(statement, catalog, "AT_AttachPartition");
    const command = treeOf(attach?.tree.def, "PartitionCmd");
    const condition = boundsCondition(command?.bound, attach?.known?.partitionKey);
    const relation = command?.name;
    if (attach === undefined || relation === undefined || condition === undefined)
      return {
        reason:
          "A check that proves these bounds cannot be written for certain: write it by hand, or attach the table while it is empty.",
      };
    const known = catalog.tables.get(keyOf(catalog, relation));
    const missing = missingOn(known, attach.known, catalog);
    if (missing !== undefined) return { reason: missing };
    const name = chosenName(
      relation.relname ?? "",
      ["bounds"],
      "check",
      (taken) => known?.constraints.has(taken) === true,
    );
    const child = quotedName(relationOf(relation));
    const parent = quotedName(relationOf(treeOf(statement.node, "AlterTableStmt")!.relation!));
    const add = `alter table ${child} add constraint ${quoted(name)} check (${condition})`;
    const drop = `alter table ${child} drop constraint ${quoted(name)};\n`;
    // What else the parent gives to its partitions stays when they are taken off.
    const isTakenOffWhole =
      attach.known?.isComplete === true &&
      [...attach.known.constraints.values()].every(({ kind }) => kind === "not-null") &&
      indexesOf(catalog, attach.table).length === 0;
    const detach = `alter table ${parent} detach partition ${child};\n${add};\n`;
    return {
      steps: [
        { suffix: "bounds", transactional: true, sql: `${add} not valid;\n`, down: drop },
        {
          suffix: "validate-bounds",
          transactional: true,
          sql: `alter table ${child} validate constraint ${quoted(name)};\n`,
          down: `${drop}${add} not valid;\n`,
        },
        {
          suffix: "attach",
          transactional: true,
          sql: `${statement.text};\n${drop}`,
          ...(isTakenOffWhole ? { down: detach } : {}),
        },
      ],
    };
  },
});

/** Why attaching would still read all rows, whatever the checks say. */
function missingOn(
  child: Table | undefined,
  parent: Table | undefined,
  catalog: Catalog,
): string | undefined {
  if (child === undefined || parent === undefined) return "The files do not make both tables.";
  const kinds = [...parent.constraints.values()].map(({ kind }) => kind);
  if (kinds.some((kind) => kind === "foreign" || kind === "exclude"))
    return `The foreign keys and exclusions of ${shown(parent.key)} are checked for every row: add them to ${shown(child.key)} before, then attach it by hand.`;
  const [lacking] = lackingOn(child, parent, catalog);
  return lacking === undefined
    ? undefined
    : `Attaching builds the index ${lacking.name} on ${shown(child.key)} under its lock: build it there before, with CREATE INDEX CONCURRENTLY.`;
}

/** Indexes of the partitioned table that are not known to be on the other; one that is not plain never is. */
function lackingOn(child: Table, parent: Table | undefined, catalog: Catalog): Index[] {
  if (parent === undefined) return [];
  const own = indexesOf(catalog, child.key);
  return indexesOf(catalog, parent.key).filter(
    (index) => !own.some((other) => isLike(index, other) && kindOf(parent, index) === kindOf(child, other)),
  );
}

function isLike(index: Index, other: Index): boolean {
  return (
    isPlain(index) &&
    isPlain(other) &&
    index.isUnique === other.isUnique &&
    index.method === other.method &&
    index.columns.join("\n") === other.columns.join("\n")
  );
}

function isPlain({ isPartial, columns }: Index): boolean {
  return !isPartial && !columns.includes(undefined);
}

/** Of the constraint that stands on the index. */
function kindOf({ constraints }: Table, { key }: Index): string | undefined {
  return [...constraints.values()].find(({ index }) => index === key)?.kind;
}
