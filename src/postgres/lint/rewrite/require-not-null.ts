import type { Constraint } from "libpg-query";
import type { Catalog } from "../catalog/catalog.ts";
import type { FileReplacement, LintStatement, NotRewritten } from "../define-rule.ts";
import { treeOf } from "../../sql/tree.ts";
import { chosenName } from "./chosen-name.ts";
import { named, relationNamed } from "./names-in-sql.ts";

/** The check that says that a column is never NULL, and the statements around it. */
export interface NotNullCheck {
  /** Makes it without looking at the rows, and looks in a file of its own. */
  steps: FileReplacement[];
  /** Takes the column's NOT NULL from it, which reads no row, and drops it. */
  finish: string[];
}

/** For a column of the table with this key. */
export function notNullCheck(
  catalog: Catalog,
  key: string,
  column: string,
  phase?: FileReplacement["phase"],
): NotNullCheck {
  const table = catalog.tables.get(key);
  const name = chosenName(
    key.slice(key.indexOf(".") + 1),
    [column],
    "is_set",
    (taken) => table?.constraints.has(taken) === true,
  );
  const at = relationNamed(key);
  const condition = `check (${named(column)} is not null)`;
  const add = `alter table ${at} add constraint ${named(name)} ${condition} not valid;`;
  const drop = `alter table ${at} drop constraint ${named(name)};`;
  const step = { transactional: true, ...(phase === undefined ? {} : { phase }) };
  return {
    steps: [
      { suffix: "not-null-check", ...step, sql: add, down: drop },
      {
        suffix: "validate",
        ...step,
        sql: `alter table ${at} validate constraint ${named(name)};`,
        down: `${drop}\n${add}`,
      },
    ],
    finish: [`alter table ${at} alter column ${named(column)} set not null;`, drop],
  };
}

/**
 * What SET NOT NULL cannot say: ONLY, by which the tables that inherit are left out, and what PostgreSQL 18 keeps of
 * a NOT NULL behind a new column, its name and NO INHERIT. Undefined when there is nothing of it.
 */
export function moreThanNotNull(
  { node }: LintStatement,
  behind: readonly Constraint[] = [],
): NotRewritten | undefined {
  if (treeOf(node, "AlterTableStmt")?.relation?.inh !== true)
    return { reason: "With ONLY the tables that inherit go on taking NULL: write ADD CONSTRAINT by hand." };
  const own = behind.find(({ contype }) => contype === "CONSTR_NOTNULL");
  if (own?.conname !== undefined || own?.is_no_inherit === true)
    return {
      reason:
        "Its NOT NULL has a name or NO INHERIT: write it as a command of its own, ADD CONSTRAINT … NOT NULL.",
    };
  return undefined;
}

/** All of it for a column that is there: check, look, SET NOT NULL. */
export function requireNotNull(
  catalog: Catalog,
  key: string,
  column: string,
  phase?: FileReplacement["phase"],
): FileReplacement[] {
  const { steps, finish } = notNullCheck(catalog, key, column, phase);
  const [add] = steps;
  const at = relationNamed(key);
  return [
    ...steps,
    {
      suffix: "not-null",
      transactional: true,
      ...(phase === undefined ? {} : { phase }),
      sql: finish.join("\n"),
      down: `${add!.sql.replace(/ not valid;$/, ";")}\nalter table ${at} alter column ${named(column)} drop not null;`,
    },
  ];
}
