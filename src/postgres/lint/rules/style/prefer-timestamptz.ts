import { defineRule } from "../../define-rule.ts";
import { columnsMade } from "../../facts/columns-made.ts";

export const preferTimestamptz = defineRule({
  id: "prefer-timestamptz",
  summary: "timestamp without time zone.",
  severity: "note",
  style: true,
  requirements: ["C6"],
  why: "It does not say which moment is meant: sessions with other time zones write and compare other times.",
  bad: [
    {
      sql: "create table visits (at timestamp default now()); set local timezone to 'UTC'; insert into visits default values; set local timezone to 'Asia/Tokyo'; insert into visits default values;",
      effect: {
        shows: "select coalesce((select max(at) - min(at) > interval '8 hours' from visits), false)",
      },
    },
  ],
  good: [
    {
      sql: "create table visits (at timestamptz default now()); alter table visits enable row level security; insert into visits default values; set local timezone to 'Asia/Tokyo'; insert into visits default values;",
    },
  ],
  check(statement, { catalog }) {
    return columnsMade(statement, catalog)
      .filter(({ type }) => type.name === "timestamp")
      .map(({ place, name }) => ({
        ...place,
        message: `${name} does not say which moment it means`,
        hint: "Use timestamptz.",
      }));
  },
});
