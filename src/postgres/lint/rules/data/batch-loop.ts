import { readPlPgSql } from "../../../sql/plpgsql.ts";
import { treeOf } from "../../../sql/tree.ts";
import { named } from "../../rewrite/names-in-sql.ts";
import { asBackfill } from "../../rewrite/as-backfill.ts";
import { loopAsUpdate } from "../../rewrite/loop-as-update.ts";
import { defineRule, type BackfillReplacement } from "../../define-rule.ts";

export const batchLoop = defineRule({
  id: "batch-loop",
  summary: "A loop that changes rows batch by batch, found again by the value that it sets.",
  severity: "block",
  requirements: ["C6"],
  why: "It never ends when the new value can be NULL, reads the finished part again for every batch, and inside one transaction wins nothing over a single UPDATE.",
  bad: [
    {
      sql: `do $$ declare n integer; begin
  for round in 1..20 loop
    update users set visits = null where id in (select id from users where visits is null or visits > 0 limit 500);
    get diagnostics n = row_count;
    exit when n = 0;
  end loop;
  if n > 0 then create table never_ended (); end if;
end $$;`,
      effect: { shows: "select to_regclass('never_ended') is not null" },
      isLeft: true,
    },
    {
      before: "alter table users add column short text;",
      sql: `do $$ declare n integer; begin
  for round in 1..20 loop
    update users set short = nullif(left(name, 4), 'User') where id in (select u.id from users u where u.short is null order by id limit 500);
    get diagnostics n = row_count;
    exit when n = 0;
    perform pg_sleep(0.001);
  end loop;
  if n > 0 then raise exception 'it never ends' using errcode = 'ZZ001'; end if;
end $$;`,
      effect: { error: "ZZ001" },
    },
  ],
  good: [{ sql: "do $$ begin for n in 1..3 loop insert into items values (n, 'x', n); end loop; end $$;" }],
  check(statement) {
    if (treeOf(statement.node, "DoStmt") === undefined) return [];
    const body = readPlPgSql(statement.text);
    const loop = body?.loops.find(({ statements }) =>
      statements.some((sql) => /^\s*(with\b.*)?(update|delete)\b/is.test(sql) && /\blimit\b/i.test(sql)),
    );
    if (loop === undefined) return [];
    return [
      {
        message:
          "the loop looks for its next rows by the value that it sets: it may never end, and slows down as it goes",
        hint: "Move the rows with a backfill, which goes through the table page by page and knows where it stopped.",
      },
    ];
  },
  rewrite(_, statement, context) {
    const update = loopAsUpdate(statement.text, context.catalog);
    if ("reason" in update) return update;
    const step = asBackfill(update, statement, context);
    return "reason" in step ? step : { steps: [step], ends: isFilled(step) };
  },
});

/** A loop that never ends leaves nothing to compare with. */
function isFilled({ backfill: { table, set, where = "true" } }: BackfillReplacement): string {
  const differs = Object.entries(set).map(([name, value]) => `${named(name)} is distinct from (${value})`);
  return `select not exists (select from ${table} where (${where}) and (${differs.join(" or ")}))`;
}
