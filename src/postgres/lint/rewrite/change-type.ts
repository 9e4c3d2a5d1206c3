import type { Node } from "libpg-query";
import { callsIn, columnsIn, textsOf } from "../../sql/tree.ts";
import { shown, typeKeyOf, type Catalog, type ColumnType } from "../catalog/catalog.ts";
import { isSerial, typeOf } from "../catalog/column-of.ts";
import type { AlterCommand } from "../commands-of.ts";
import type { FileReplacement, LintContext, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { changeOfType, isPlainUsing } from "../facts/change-of-type.ts";
import { timeZoneOf } from "../facts/time-zone-of.ts";
import { VOLATILE } from "../facts/volatile.ts";
import { chosenName } from "./chosen-name.ts";
import { hangsOnColumn, type Hanging } from "./hangs-on-column.ts";
import { laterNames } from "./later-names.ts";
import { literal } from "./literal.ts";
import { named, relationNamed } from "./names-in-sql.ts";
import { replaceColumns } from "../catalog/replace-columns.ts";
import { besideColumn, shadowColumn, type ShadowColumn } from "./shadow-column.ts";
import { expressionOf, typeNameOf } from "./sql-of.ts";
import { isTotalCast, isTotalExpression, readsSettings } from "./total-conversion.ts";
import { collationSql, typeOfColumn } from "./type-of-column.ts";

/** ALTER COLUMN TYPE as a second column of the new type that takes the name at the end. Errors: SQL_UNPRINTABLE. */
export function changeType(
  { table: key, name, definition }: AlterCommand,
  statement: LintStatement,
  context: LintContext,
): Rewrite | NotRewritten {
  const { catalog } = context;
  const hanging = hangsOnColumn(catalog, key, name);
  if ("reason" in hanging) return hanging;
  const later = laterNames(name, statement, context);
  if (later !== undefined) return { reason: later };
  if (isSerial(definition?.typeName)) return { reason: "The new type takes numbers from a sequence." };
  const domain = catalog.domains.get(typeKeyOf(catalog, textsOf(definition?.typeName?.names)));
  if (domain !== undefined)
    return {
      reason: `${shown(domain.key)} is a domain, with which a new column writes all rows again: use its base type.`,
    };
  const conversion = conversionOf(hanging, definition?.typeName, definition?.raw_default, context);
  if ("reason" in conversion) return conversion;
  const { column } = hanging;
  const initial =
    column.default === undefined ? {} : { initial: defaultAs(column.default, column.definition.typeName) };
  return {
    steps: shadowColumn(catalog, {
      hanging,
      to: besideColumn(hanging, "new"),
      finalName: name,
      fromType: typeOfColumn(column),
      toType: typeNameOf(definition?.typeName ?? {}),
      collation: collationSql(definition ?? {}),
      ...initial,
      ...conversion,
    }),
  };
}

type Conversion = Pick<ShadowColumn, "value" | "forward" | "backward" | "making" | "proof" | "notes">;

function conversionOf(
  hanging: Hanging,
  typeName: NonNullable<AlterCommand["definition"]>["typeName"],
  using: Node | undefined,
  context: LintContext,
): Conversion | NotRewritten {
  const { column, table } = hanging;
  const [from, to] = [column.type, typeOf(typeName)];
  const isPlain = using === undefined || isPlainUsing(using, column.name);
  const shadow = besideColumn(hanging, "new");
  const swap = [
    `The contract files give ${shadow} the name ${column.name}: from then on it is ${typeNameOf(typeName ?? {})}. They run when`,
    `every release that runs takes ${column.name} in either type and names ${shadow} nowhere.`,
  ];
  if (isPlain && isZoned(from) !== isZoned(to)) {
    const zone = isTimestampPair(from, to) ? timeZoneOf(context) : undefined;
    if (zone === undefined)
      return {
        reason:
          "In which time zone the values are meant is not said: write SET LOCAL timezone TO '…' before it, or USING … AT TIME ZONE.",
      };
    const shift = ` at time zone ${literal(zone)}`;
    return {
      value: `${named(column.name)}${shift}`,
      forward: `new.${named(column.name)}${shift}`,
      backward: `new.${named(shadow)}${shift}`,
      making: { create: [], drop: [] },
      proof: [],
      notes: bothNotes(column.name, shadow, swap),
    };
  }
  if (isPlain && readsSettings(from, to))
    return {
      reason:
        "How the values are read depends on settings of each session (DateStyle, TimeZone): write USING with a format.",
    };
  const isNarrowing = changeOfType(from, to, using, column.name) === "narrowing";
  const expression = using ?? columnReference(column.name);
  const refusal = whyNotInTrigger(expression, hanging);
  if (refusal !== undefined) return { reason: refusal };
  const isTotal = isPlain
    ? !isNarrowing && isTotalCast(from, to)
    : to.modifiers.length === 0 && isTotalExpression(expression);
  const notes = isPlain
    ? bothNotes(column.name, shadow, swap)
    : [`${shadow} is computed: no release may write it before the contract files have run.`, ...swap];
  const both = isPlain ? { backward: `new.${named(shadow)}` } : {};
  if (isTotal) {
    return {
      value: expressionOf(replaceColumns(expression, (each) => each)),
      forward: expressionOf(replaceColumns(expression, (each) => each, "new")),
      ...both,
      making: { create: [], drop: [] },
      proof: [],
      notes,
    };
  }
  if (columnsIn(expression).some((each) => each !== column.name))
    return {
      reason:
        "It is not certain that USING has a value for everything that the running release writes into the columns that it reads.",
    };
  const convert = converting(hanging, expression, typeNameOf(typeName ?? {}), isNarrowing, context.catalog);
  return {
    value: `${convert.call}(${named(column.name)})`,
    forward: `${convert.call}(new.${named(column.name)})`,
    ...both,
    making: convert,
    proof: proofOf(table.key, hanging, shadow),
    notes: [
      ...notes,
      `A value that the new type cannot hold leaves ${shadow} NULL; the contract phase stops at it, and nothing is lost.`,
    ],
  };
}

function bothNotes(from: string, to: string, swap: readonly string[]): string[] {
  return [
    `Until the contract files run, a release may read and write ${from} or ${to}: a trigger keeps both equal, and refuses in`,
    `${to} what ${from} cannot hold. One that names ${to} starts after the backfill; an INSERT of NULL into it takes ${from}.`,
    ...swap,
  ];
}

/** A function that answers NULL instead of an error, so that the running release can go on writing. */
function converting(
  { table, column }: Hanging,
  expression: Node,
  toType: string,
  isNarrowing: boolean,
  { searchPath }: Catalog,
): { create: string[]; drop: string[]; call: string } {
  const call = `${named(table.schema)}.${named(chosenName(table.name, [column.name], "converted"))}`;
  const type = typeOfColumn(column);
  const value = expressionOf(replaceColumns(expression, () => "given"));
  const path = [...searchPath, "pg_temp"].map(named).join(", ");
  const loss = isNarrowing
    ? `\n  if converted::${type} is distinct from given then\n    return null;\n  end if;`
    : "";
  return {
    call,
    create: [
      `create function ${call}(given ${type}) returns ${toType} language plpgsql stable set search_path = ${path} as $convert$
declare
  converted ${toType};
begin
  converted := ${value};${loss}
  return converted;
exception
  when data_exception then
    return null;
end
$convert$;`,
      `revoke all on function ${call}(${type}) from public;`,
    ],
    drop: [`drop function ${call}(${type});`],
  };
}

/** Every value has got its counterpart. */
function proofOf(key: string, { table, column }: Hanging, shadow: string): FileReplacement[] {
  const name = named(
    chosenName(table.name, [column.name], "converted", (taken) => table.constraints.has(taken)),
  );
  const at = relationNamed(key);
  const condition = `check (${named(column.name)} is null or ${named(shadow)} is not null)`;
  const add = `alter table ${at} add constraint ${name} ${condition} not valid;`;
  const drop = `alter table ${at} drop constraint ${name};`;
  const step = { transactional: true, phase: "contract" as const };
  return [
    { suffix: "every-value", ...step, sql: add, down: drop },
    {
      suffix: "validate",
      ...step,
      sql: `alter table ${at} validate constraint ${name};`,
      down: `${drop}\n${add}`,
    },
  ];
}

function whyNotInTrigger(expression: Node, { table }: Hanging): string | undefined {
  if (JSON.stringify(expression).includes('"SubLink"')) return "USING reads other rows.";
  if (callsIn(expression).some((call) => VOLATILE.has(call)))
    return "USING gives another value each time that it is computed.";
  const unknown = columnsIn(expression).find((each) => !table.columns.has(each));
  return unknown === undefined ? undefined : `USING reads ${unknown}, which no file here shows.`;
}

/** As the column has it now: of its own type, before it is cast to the new one. */
function defaultAs(initial: Node, typeName: NonNullable<AlterCommand["definition"]>["typeName"]): string {
  const { typmods: _, ...bare } = typeName ?? {};
  return expressionOf({ TypeCast: { arg: initial, typeName: bare } });
}

function columnReference(name: string): Node {
  return { ColumnRef: { fields: [{ String: { sval: name } }] } };
}

function isZoned({ name }: ColumnType): boolean {
  return name === "timestamptz" || name === "timetz";
}

function isTimestampPair(from: ColumnType, to: ColumnType): boolean {
  return [from, to].every(
    ({ name, isArray }) => !isArray && (name === "timestamp" || name === "timestamptz"),
  );
}
