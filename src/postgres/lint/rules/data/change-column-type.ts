import { shown } from "../../catalog/catalog.ts";
import { typeOf } from "../../catalog/column-of.ts";
import { commandsOf, placeOfCommand, type AlterCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";
import { changeOfType } from "../../facts/change-of-type.ts";
import { timeZoneOf } from "../../facts/time-zone-of.ts";
import { changeType } from "../../rewrite/change-type.ts";

/** A column on which everything hangs that is carried over, under names that need quotes. */
const AWKWARD = `
create schema "Shop";
create table "Shop"."Order" (
  id bigint primary key,
  "user" integer not null default 1 check ("user" > 0),
  "Total" numeric unique,
  constraint "user and total" unique ("Total", "user")
);
create index "by user" on "Shop"."Order" ("user" desc, id) where "user" <> 7;
create unique index "one more" on "Shop"."Order" (("user" + 1));
alter table "Shop"."Order" add constraint known foreign key ("user") references "Shop"."Order" (id) on delete cascade;
comment on column "Shop"."Order"."user" is 'who''s it';
insert into "Shop"."Order" values (1, 1, 1), (2, 2, 2);`;

export const changeColumnType = defineRule({
  id: "change-column-type",
  summary: "A change of a column's type that writes the whole table and its indexes again.",
  severity: "block",
  requirements: ["C6", "C15"],
  why: "Nobody can read or write the table until all of its rows are written again. Widening a varchar, varchar to text and more digits of a numeric change no row and are not found.",
  bad: [
    { sql: "alter table users alter column visits type bigint;", effect: { rewrites: "users" } },
    {
      sql: "set local timezone to 'Europe/Berlin'; alter table users alter column seen_at type timestamptz;",
      effect: { rewrites: "users" },
    },
    {
      sql: "alter table users alter column name type text using upper(name);",
      effect: { rewrites: "users" },
    },
    {
      sql: "alter table users alter column seen_at type timestamptz using seen_at at time zone 'UTC';",
      effect: { rewrites: "users" },
    },
    {
      before: "update users set name = id::text;",
      sql: "alter table users alter column name type integer using name::integer;",
      effect: { rewrites: "users" },
    },
    {
      before: "create table keyed (id integer primary key);",
      sql: "alter table keyed alter column id type bigint;",
      effect: { rewrites: "keyed" },
      isLeft: true,
    },
    {
      before: AWKWARD,
      sql: `alter table "Shop"."Order" alter column "user" type bigint;`,
      effect: { unseen: "the table is in another schema than those that are looked at" },
    },
  ],
  good: [
    { sql: "alter table users alter column bio type varchar(100);" },
    { sql: "alter table users alter column bio type text;" },
    { sql: "alter table users alter column balance type numeric(14, 2);" },
    { sql: "set local timezone to 'UTC'; alter table users alter column seen_at type timestamptz;" },
    { sql: "alter table users alter column bio type text using bio::text;" },
  ],
  check(statement, context) {
    const { catalog, isLive } = context;
    return commandsOf(statement, catalog, "AT_AlterColumnType").flatMap((altered) => {
      const { known, name, definition, table } = altered;
      const from = known?.columns.get(name)?.type;
      if (!isLive(table)) return [];
      const hint =
        "Add a column of the new type, keep it in step with a trigger, fill it with a backfill, and drop the old one after sign-off.";
      if (from === undefined) {
        const message = `the type of ${name} before is not known: most changes write all rows of ${shown(table)} again`;
        return [{ ...placeOfCommand(altered), message, hint, severity: "ask" as const }];
      }
      const change = changeOfType(from, typeOf(definition?.typeName), definition?.raw_default, name);
      if (change === "metadata" || change === "narrowing") return [];
      if (change === "metadata-at-utc")
        return isUtc(timeZoneOf(context)) ? [] : [{ ...placeOfCommand(altered), ...byTimeZone(altered) }];
      const message = `all rows of ${shown(table)} are written again while nobody can read them`;
      return [{ ...placeOfCommand(altered), message, hint }];
    });
  },
  rewrite(_, statement, context) {
    const [altered] = commandsOf(statement, context.catalog, "AT_AlterColumnType");
    return changeType(altered!, statement, context);
  },
});

function isUtc(zone: string | undefined): boolean {
  return /^(utc|gmt|etc\/utc)$/i.test(zone ?? "");
}

function byTimeZone({ table }: AlterCommand) {
  return {
    severity: "ask" as const,
    message: `unless the session's time zone is UTC all rows of ${shown(table)} are written again while nobody can read them`,
    hint: "Write SET LOCAL timezone TO 'UTC'; before it, if the stored times are meant as UTC.",
  };
}
