import type { Constraint } from "libpg-query";
import { callsIn } from "../../sql/tree.ts";
import { columnOf, isSerial } from "../catalog/column-of.ts";
import { shown, type Catalog } from "../catalog/catalog.ts";
import type { AlterCommand } from "../commands-of.ts";
import type { FileReplacement, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { addColumnWith, constraintsBehind } from "./add-column.ts";
import { chosenName } from "./chosen-name.ts";
import { literal } from "./literal.ts";
import { named, relationNamed } from "./names-in-sql.ts";
import { keyOfIndex } from "./key-of-index.ts";
import { moreThanNotNull, notNullCheck } from "./require-not-null.ts";
import { expressionOf } from "./sql-of.ts";

/** What gives a new column its values. */
interface Source {
  /** Statements before the column is made, and what takes them back. */
  before: string[];
  /** Type of the column in pg_catalog when it is not as written. */
  type?: string;
  /** Default of the column, as SQL. */
  initial: string;
  /** Statements behind the one that makes the column. */
  after: string[];
  undo: string[];
  /** Statements at the very end. */
  finish: string[];
}

/**
 * ADD COLUMN whose value differs from row to row: the column without values, its default for the rows that come, a
 * backfill for those that are there, and NOT NULL and a primary key at the end. Errors: SQL_UNPRINTABLE.
 */
export function fillNewColumn(
  added: AlterCommand,
  statement: LintStatement,
  catalog: Catalog,
): Rewrite | NotRewritten {
  const { definition, table, known } = added;
  const column = definition?.colname ?? "";
  const constraints = constraintsBehind(definition);
  const find = (kind: Constraint["contype"]): Constraint | undefined =>
    constraints.find(({ contype }) => contype === kind);
  if (find("CONSTR_GENERATED") !== undefined)
    return {
      reason:
        "PostgreSQL cannot make a column generated afterwards: use VIRTUAL (PostgreSQL 18), or a plain column that a trigger and a backfill fill.",
    };
  if (known?.columns.has(column) === true)
    return { reason: `${shown(table)} has a column ${column} already.` };
  const more = moreThanNotNull(statement, constraints);
  if (more !== undefined) return more;
  const source = sourceOf(added, constraints);
  if ("reason" in source) return source;
  const at = relationNamed(table);
  const keys = constraints.filter(
    ({ contype }) => contype === "CONSTR_UNIQUE" || contype === "CONSTR_PRIMARY",
  );
  if (keys.some(({ options, indexspace }) => options !== undefined || indexspace !== undefined))
    return {
      reason: "The index of its key has settings of its own: make the key in a statement of its own.",
    };
  const isRequired =
    columnOf(definition!, 0).notNull || constraints.some(({ contype }) => contype === "CONSTR_NOTNULL");
  const check = isRequired ? notNullCheck(catalog, table, column, "contract") : undefined;
  const indexes = keys.map((key) => indexFor(added, key, catalog));
  return {
    steps: [
      {
        suffix: "new-column",
        transactional: true,
        sql: [
          ...source.before,
          addColumnWith(statement, ({ contype }) => !TAKEN_OUT.has(contype), source.type),
          `alter table ${at} alter column ${named(column)} set default ${source.initial};`,
          ...source.after,
        ].join("\n"),
        // With IF NOT EXISTS it may have been there before.
        ...(added.tree.missing_ok === true
          ? {}
          : { down: [`alter table ${at} drop column ${named(column)};`, ...source.undo].join("\n") }),
      },
      ...indexes.map(({ file }) => file),
      {
        backfill: {
          table: at,
          set: { [column]: source.initial },
          where: `${named(column)} is null`,
        },
      },
      ...(check?.steps ?? []),
      ...last([...(check?.finish ?? []), ...source.finish, ...indexes.map(({ constraint }) => constraint)]),
    ],
    otherValues: [`${table}.${column}`],
  };
}

/** They come when the rows have their values. */
const TAKEN_OUT: ReadonlySet<Constraint["contype"]> = new Set([
  "CONSTR_DEFAULT",
  "CONSTR_NOTNULL",
  "CONSTR_IDENTITY",
  "CONSTR_UNIQUE",
  "CONSTR_PRIMARY",
]);

function last(statements: readonly string[]): FileReplacement[] {
  if (statements.length === 0) return [];
  return [{ suffix: "finish", transactional: true, phase: "contract", sql: statements.join("\n") }];
}

function sourceOf(
  { definition, table }: AlterCommand,
  constraints: readonly Constraint[],
): Source | NotRewritten {
  const column = definition?.colname ?? "";
  const [schema = "", name = ""] = table.split(/\.(.*)/s);
  const type = columnOf(definition!, 0).type.name;
  const at = relationNamed(table);
  const next = (sequence: string): string => `nextval(${literal(sequence)})`;
  const nameOf = (label: string): string => `${named(schema)}.${named(chosenName(name, [column], label))}`;
  if (isSerial(definition?.typeName)) {
    const sequence = nameOf("seq");
    return {
      before: [`create sequence ${sequence} as ${SQL_NAMES[type]};`],
      type,
      initial: next(sequence),
      after: [`alter sequence ${sequence} owned by ${at}.${named(column)};`],
      // It goes with the column that owns it.
      undo: [],
      finish: [],
    };
  }
  const identity = constraints.find(({ contype }) => contype === "CONSTR_IDENTITY");
  if (identity === undefined) {
    const initial = constraints.find(({ contype }) => contype === "CONSTR_DEFAULT")?.raw_expr;
    if (initial === undefined) return { reason: "It has no default that could fill the rows." };
    if (callsIn(initial).includes("setval"))
      return { reason: "Its default moves a sequence, each time that it is computed." };
    return { before: [], initial: expressionOf(initial), after: [], undo: [], finish: [] };
  }
  if (!(type in SQL_NAMES)) return { reason: "The type of its identity is not known." };
  const options = identity.options ?? [];
  if (options.length > 0)
    return {
      reason:
        "Its sequence has options of its own: add the identity in a statement of its own, after a backfill.",
    };
  const sequence = nameOf("numbers");
  const when = identity.generated_when === "d" ? "by default" : "always";
  const owner = `pg_get_serial_sequence(${literal(at)}, ${literal(column)})`;
  return {
    before: [`create sequence ${sequence} as ${SQL_NAMES[type]};`],
    initial: next(sequence),
    after: [],
    undo: [`drop sequence ${sequence};`],
    finish: [
      `alter table ${at} alter column ${named(column)} drop default;`,
      `alter table ${at} alter column ${named(column)} add generated ${when} as identity;`,
      `select setval(${owner}, last_value, is_called) from ${sequence};`,
      `drop sequence ${sequence};`,
    ],
  };
}

const SQL_NAMES: Readonly<Record<string, string>> = { int2: "smallint", int4: "integer", int8: "bigint" };

/** Its index in a file of its own, and the statement that makes the key of it. */
function indexFor(
  { definition, table, known }: AlterCommand,
  key: Constraint,
  { indexes }: Catalog,
): { file: FileReplacement; constraint: string } {
  const { contype, conname, nulls_not_distinct: noNulls } = key;
  const column = definition?.colname ?? "";
  const [schema = "", name = ""] = table.split(/\.(.*)/s);
  const isPrimary = contype === "CONSTR_PRIMARY";
  const own =
    conname ??
    chosenName(
      name,
      isPrimary ? [] : [column],
      isPrimary ? "pkey" : "key",
      (taken) => known?.constraints.has(taken) === true || indexes.has(`${schema}.${taken}`),
    );
  const at = relationNamed(table);
  return {
    file: {
      suffix: "index",
      transactional: false,
      sql: `create unique index concurrently ${named(own)} on ${at} (${named(column)})${noNulls === true ? " nulls not distinct" : ""};`,
      down: `drop index concurrently ${named(schema)}.${named(own)};`,
    },
    constraint: keyOfIndex(table, key, own, own),
  };
}
