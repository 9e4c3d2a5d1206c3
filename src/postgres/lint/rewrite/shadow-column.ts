import type { Catalog } from "../catalog/catalog.ts";
import type { BackfillReplacement, FileReplacement, Replacement } from "../define-rule.ts";
import { carryOver } from "./carried-over.ts";
import { chosenName } from "./chosen-name.ts";
import type { Hanging } from "./hangs-on-column.ts";
import { literal } from "./literal.ts";
import { named, relationNamed } from "./names-in-sql.ts";
import { notNullCheck } from "./require-not-null.ts";
import { syncTrigger } from "./sync-trigger.ts";

/** A column that takes the place of another one. */
export interface ShadowColumn {
  hanging: Hanging;
  /** Its name until the end of the sequence, and at the end. */
  to: string;
  finalName: string;
  /** Types as SQL, with collations for the new one. */
  fromType: string;
  toType: string;
  collation: string;
  /** The new value as an expression over the row, and over PL/pgSQL's new. */
  value: string;
  forward: string;
  /** Undefined: nobody may write the new column before the end. */
  backward?: string;
  /** The default at the end, as SQL. */
  initial?: string;
  /** Statements before and behind the trigger's life: a function that it calls. */
  making: { create: string[]; drop: string[] };
  /** Files of the phase contract that look whether every value was taken over. */
  proof: FileReplacement[];
  /** What people have to know, a line each. */
  notes: string[];
}

/**
 * Expand and contract for one column: a second column that a trigger keeps equal, the indexes, the backfill; and
 * when only releases run that can do without the old one: constraints, the change of places, the drop.
 * Errors: SQL_UNPRINTABLE.
 */
export function shadowColumn(catalog: Catalog, shadow: ShadowColumn): Replacement[] {
  const { table, column } = shadow.hanging;
  const carried = carryOver(catalog, shadow.hanging, shadow.to);
  const at = relationNamed(table.key);
  const trigger = syncTrigger({
    table: table.key,
    from: column.name,
    to: shadow.to,
    toType: shadow.toType,
    fromType: shadow.fromType,
    forward: shadow.forward,
    ...(shadow.backward === undefined ? {} : { backward: shadow.backward }),
    searchPath: catalog.searchPath,
  });
  const notNull = column.notNull ? notNullCheck(catalog, table.key, shadow.to, "contract") : undefined;
  const backfill: BackfillReplacement = {
    backfill: { table: at, set: { [shadow.to]: shadow.value } },
  };
  return [
    {
      suffix: "new-column",
      transactional: true,
      sql: [
        ...shadow.notes.map((note) => `-- ${note}`),
        `alter table ${at} add column ${named(shadow.to)} ${shadow.toType}${shadow.collation};`,
        ...shadow.making.create,
        ...trigger.create,
      ].join("\n"),
      down: [
        ...trigger.drop,
        ...shadow.making.drop,
        `alter table ${at} drop column ${named(shadow.to)};`,
      ].join("\n"),
    },
    ...carried.indexes,
    backfill,
    ...shadow.proof,
    ...carried.constraints,
    ...(notNull?.steps ?? []),
    ...(shadow.finalName === shadow.to ? drop() : swapAndDrop()),
  ];

  function stopSync(): string[] {
    return [...trigger.drop, ...shadow.making.drop];
  }

  function settle(): string[] {
    const place = `alter table ${at} alter column ${named(shadow.finalName)}`;
    return [
      ...(shadow.initial === undefined ? [] : [`${place} set default ${shadow.initial};`]),
      ...(notNull === undefined ? [] : finishNotNull(notNull.finish)),
      ...(column.comment === undefined
        ? []
        : [`comment on column ${at}.${named(shadow.finalName)} is ${literal(column.comment)};`]),
    ];
  }

  /** The check was made while the column had its first name; only SET NOT NULL says the name. */
  function finishNotNull([, dropCheck]: string[]): string[] {
    return [`alter table ${at} alter column ${named(shadow.finalName)} set not null;`, dropCheck!];
  }

  function drop(): FileReplacement[] {
    return [
      contract("drop-old", [
        ...stopSync(),
        `alter table ${at} drop column ${named(column.name)};`,
        ...settle(),
        ...carried.takeNames,
      ]),
    ];
  }

  /** Two files: db.contract keeps the values of a dropped column, and puts them back under the name that it had. */
  function swapAndDrop(): FileReplacement[] {
    const old = besideColumn(shadow.hanging, "old");
    return [
      contract("swap", [
        ...stopSync(),
        ...(column.notNull ? [`alter table ${at} alter column ${named(column.name)} drop not null;`] : []),
        `alter table ${at} rename column ${named(column.name)} to ${named(old)};`,
        `alter table ${at} rename column ${named(shadow.to)} to ${named(column.name)};`,
        ...settle(),
        ...carried.giveNames,
        ...carried.takeNames,
      ]),
      contract("drop-old", [`alter table ${at} drop column ${named(old)};`]),
    ];
  }
}

/** A free column name that begins with the column's: "visits_new". */
export function besideColumn({ table, column }: Hanging, label: string): string {
  const isTaken = (name: string): boolean =>
    [...table.columns.values()].some(
      ({ name: own, formerNames }) => own === name || formerNames.includes(name),
    );
  return chosenName(column.name, [], label, isTaken);
}

function contract(suffix: string, statements: readonly string[]): FileReplacement {
  return { suffix, transactional: true, phase: "contract", sql: statements.join("\n") };
}
