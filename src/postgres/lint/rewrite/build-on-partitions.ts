import type { IndexStmt, RangeVar } from "libpg-query";
import { quotedName, relationOf } from "../../sql/names.ts";
import { keyOf, type Table } from "../catalog/catalog.ts";
import type { FileReplacement, LintContext, NotRewritten, Rewrite } from "../define-rule.ts";
import { indexNameOf, isTaken } from "./index-name-of.ts";
import { sqlOf } from "./sql-of.ts";

/**
 * An index of a partitioned table as: the index ON ONLY it, one built concurrently on each partition, and all of
 * them attached. Knows the partitions that files make; the index stays invalid until every partition has its own.
 */
export function buildOnPartitions(tree: IndexStmt, { catalog }: LintContext): Rewrite | NotRewritten {
  const { relation, if_not_exists: isWanted, ...rest } = tree;
  const parent = keyOf(catalog, relation);
  const name = tree.idxname ?? indexNameOf(catalog, tree);
  if (relation === undefined || name === undefined) return { reason: "Give the index a name." };
  const partitions = [...catalog.tables.values()].filter(({ partitionOf }) => partitionOf === parent);
  if (partitions.length === 0)
    return { reason: "No file makes a partition: write an index for each that the database has." };
  if (partitions.some(({ isPartitioned }) => isPartitioned))
    return {
      reason: "A partition has partitions of its own: write the index for each level, the lowest first.",
    };
  const [schema] = parent.split(".");
  if (isWanted === true && isTaken(catalog, `${schema}.${name}`))
    return { reason: "A file before makes something of this name: leave the statement out, or rename it." };
  const children = partitions.map((partition) => ({
    partition,
    index: indexNameOf(catalog, tree, partition.key),
  }));
  // As PostgreSQL's tree has ONLY.
  const { inh: _descendants, ...only } = relation;
  const whole = quotedName({ ...relationOf(relation), name });
  const steps: FileReplacement[] = [
    {
      suffix: "index",
      transactional: true,
      sql: `${sqlOf({ IndexStmt: { ...rest, idxname: name, relation: only } })}\n`,
      down: `drop index if exists ${whole};\n`,
    },
  ];
  const attached: string[] = [];
  for (const { partition, index } of children) {
    if (index === undefined)
      return { reason: "Write the index for each partition: its name cannot be told." };
    const own = quotedName({ schema: partition.schema, name: index });
    const built: IndexStmt = {
      ...rest,
      idxname: index,
      relation: rangeFor(partition, relation),
      concurrent: true,
    };
    steps.push({
      suffix: partition.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
      transactional: false,
      sql: `${sqlOf({ IndexStmt: built })}\n`,
      down: `drop index concurrently if exists ${own};\n`,
    });
    attached.push(`alter index ${whole} attach partition ${own};\n`);
  }
  // An index is never detached again: all of them go at once.
  const down = `drop index ${whole};\n`;
  return { steps: [...steps, { suffix: "attach", transactional: true, sql: attached.join(""), down }] };
}

function rangeFor({ schema, name }: Table, parent: RangeVar): RangeVar {
  return { schemaname: schema, relname: name, inh: true, relpersistence: parent.relpersistence ?? "p" };
}
