import type { AlterTableCmd, Constraint, IndexStmt, Node } from "libpg-query";
import { quoted, quotedName, relationOf } from "../../sql/names.ts";
import { textsOf, treeOf } from "../../sql/tree.ts";
import { constraintOf } from "../catalog/constraint-of.ts";
import { commandsOf } from "../commands-of.ts";
import type { FileReplacement, LintContext, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { withoutConstraint, hasAttribute } from "./inline-constraints.ts";
import { requireNotNull } from "./require-not-null.ts";
import { sqlOf } from "./sql-of.ts";

const KINDS: readonly Constraint["contype"][] = ["CONSTR_UNIQUE", "CONSTR_PRIMARY"];

/**
 * UNIQUE or PRIMARY KEY, alone or behind a new column, as a unique index that is built concurrently and then taken
 * over. Columns of a primary key that may be null are proven not to be before. Expects one command.
 */
export function addUsingIndex(statement: LintStatement, { catalog }: LintContext): Rewrite | NotRewritten {
  const tree = treeOf(statement.node, "AlterTableStmt");
  const [added] = commandsOf(statement, catalog);
  if (tree?.relation === undefined || added === undefined) return NOT_FOUND;
  const { known, definition } = added;
  if (known === undefined)
    return { reason: "No file makes the table, so that the name of the constraint cannot be told: name it." };
  if (known.isPartitioned)
    return {
      reason:
        "PostgreSQL takes over no index for a constraint of a partitioned table: plan the moment in which it is built.",
    };
  const inline = (definition?.constraints ?? []).filter((each) =>
    KINDS.includes(treeOf(each, "Constraint")?.contype),
  );
  if (inline.length > 1 || hasAttribute(definition))
    return { reason: "Write the constraints of the column as commands of their own, ADD CONSTRAINT." };
  const constraint = added.constraint ?? treeOf(inline[0], "Constraint");
  const column = definition?.colname;
  const name = constraint && constraintOf(catalog, known, constraint, 0, column)?.name;
  if (constraint === undefined || name === undefined) return NOT_FOUND;
  const isPrimary = constraint.contype === "CONSTR_PRIMARY";
  if (column !== undefined && isPrimary)
    return {
      reason: "Add the column, fill it and make it NOT NULL; make it the primary key in a file after.",
    };
  if (constraint.without_overlaps === true)
    return { reason: "WITHOUT OVERLAPS takes over no index: plan the moment in which it is built." };
  const columns = column === undefined ? textsOf(constraint.keys) : [column];
  const table = quotedName(relationOf(tree.relation));
  const alter = (command: AlterTableCmd): string =>
    `${sqlOf({ AlterTableStmt: { ...tree, cmds: [{ AlterTableCmd: command }] } })}\n`;
  const index = indexOf(constraint, tree.relation, name, columns);
  const indexName = quotedName({ ...relationOf(tree.relation), name });
  const steps: FileReplacement[] = [
    {
      suffix: "index",
      transactional: false,
      sql: `${sqlOf({ IndexStmt: index })}\n`,
      // The constraint took it along.
      down: `drop index concurrently if exists ${indexName};\n`,
    },
    {
      suffix: "constraint",
      transactional: true,
      sql: alter({
        subtype: "AT_AddConstraint",
        def: { Constraint: usingIndex(constraint, name) },
        behavior: "DROP_RESTRICT",
      }),
      down: `alter table ${table} drop constraint ${quoted(name)};\n`,
    },
  ];
  if (definition !== undefined && column !== undefined) {
    steps.unshift({
      suffix: "column",
      transactional: true,
      sql: alter({ ...added.tree, def: { ColumnDef: withoutConstraint(definition, inline) } }),
      down: `alter table ${table} drop column ${quoted(column)};\n`,
    });
  }
  const nullable = isPrimary ? columns.filter((each) => known.columns.get(each)?.notNull !== true) : [];
  const proven = nullable.flatMap((each) => requireNotNull(catalog, added.table, each));
  return { steps: [...proven, ...steps] };
}

const NOT_FOUND: NotRewritten = { reason: "The constraint cannot be told from the statement." };

function indexOf(
  { nulls_not_distinct: nullsNotDistinct, including, options, indexspace }: Constraint,
  relation: NonNullable<IndexStmt["relation"]>,
  name: string,
  columns: readonly string[],
): IndexStmt {
  const elementOf = (column: string): Node => ({
    IndexElem: { name: column, ordering: "SORTBY_DEFAULT", nulls_ordering: "SORTBY_NULLS_DEFAULT" },
  });
  return {
    idxname: name,
    relation: { ...relation, inh: true },
    accessMethod: "btree",
    indexParams: columns.map(elementOf),
    ...(including === undefined ? {} : { indexIncludingParams: textsOf(including).map(elementOf) }),
    ...(options === undefined ? {} : { options }),
    ...(indexspace === undefined ? {} : { tableSpace: indexspace }),
    ...(nullsNotDistinct === true ? { nulls_not_distinct: true } : {}),
    unique: true,
    concurrent: true,
  };
}

/** What the index has is not said again. */
function usingIndex(constraint: Constraint, name: string): Constraint {
  const {
    keys: _keys,
    including: _including,
    options: _options,
    indexspace: _space,
    nulls_not_distinct: _nulls,
    ...rest
  } = constraint;
  return { ...rest, conname: name, indexname: name };
}
