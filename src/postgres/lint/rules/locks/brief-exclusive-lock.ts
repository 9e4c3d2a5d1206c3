import type { AlterTableCmd } from "libpg-query";
import { rangeOf, textsOf, treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { commandsOf } from "../../commands-of.ts";
import { defineRule, type LintContext, type LintStatement } from "../../define-rule.ts";

const BRIEF: ReadonlySet<AlterTableCmd["subtype"]> = new Set([
  "AT_EnableRowSecurity",
  "AT_ForceRowSecurity",
  "AT_NoForceRowSecurity",
  "AT_ChangeOwner",
  "AT_ReplicaIdentity",
  "AT_SetStorage",
  "AT_SetCompression",
]);

export const briefExclusiveLock = defineRule({
  id: "brief-exclusive-lock",
  summary: "Policies, triggers, owners and views: done in a moment, under the strongest lock.",
  severity: "note",
  requirements: ["C6", "C9"],
  why: "It is not 'non-breaking': nobody can read or write the table from the statement to the end of the transaction, and what takes long in the same transaction takes long for everybody.",
  bad: [
    {
      sql: "alter table orders enable row level security;",
      effect: { lock: "AccessExclusiveLock", on: "orders" },
    },
    {
      sql: "create policy own on items for select using (quantity > 1);",
      effect: { lock: "AccessExclusiveLock", on: "items" },
    },
    { sql: "drop policy items_read on items;", effect: { lock: "AccessExclusiveLock", on: "items" } },
    { sql: "drop trigger touch_orders on orders;", effect: { lock: "AccessExclusiveLock", on: "orders" } },
    {
      sql: "create trigger touch_users before update on users for each row execute function touch();",
      effect: { lock: "ShareRowExclusiveLock", on: "users" },
    },
    {
      sql: "create or replace view active_users as select id, email, name from users where is_active;",
      effect: { lock: "AccessExclusiveLock", on: "active_users" },
    },
    {
      sql: "create schema archive; alter table items set schema archive;",
      effect: { lock: "AccessExclusiveLock", on: "items" },
    },
  ],
  good: [
    { sql: "comment on table users is 'people'; alter table users alter column name set statistics 500;" },
  ],
  check(statement, context) {
    const relation = lockedBriefly(statement, context);
    if (relation === undefined || !context.isLive(relation)) return [];
    return [
      {
        message: `${shown(relation)} is locked from here to the end of the transaction`,
        hint: "Keep the file short; put what takes long into a file of its own.",
        relation,
      },
    ];
  },
});

function lockedBriefly(statement: LintStatement, { catalog }: LintContext): string | undefined {
  const { node } = statement;
  const altered = commandsOf(statement, catalog).find(({ subtype }) => BRIEF.has(subtype));
  if (altered !== undefined) return altered.table;
  const policy = treeOf(node, "CreatePolicyStmt") ?? treeOf(node, "AlterPolicyStmt");
  if (policy !== undefined) return keyOf(catalog, policy.table);
  const trigger = treeOf(node, "CreateTrigStmt");
  if (trigger !== undefined) return keyOf(catalog, trigger.relation);
  const view = treeOf(node, "ViewStmt");
  if (view?.replace === true && catalog.views.has(keyOf(catalog, view.view)))
    return keyOf(catalog, view.view);
  const moved = treeOf(node, "AlterObjectSchemaStmt");
  if (moved?.objectType === "OBJECT_TABLE") return keyOf(catalog, moved.relation);
  const drop = treeOf(node, "DropStmt");
  if (drop?.removeType !== "OBJECT_POLICY" && drop?.removeType !== "OBJECT_TRIGGER") return undefined;
  return keyOf(catalog, rangeOf(textsOf(treeOf(drop.objects?.[0], "List")?.items).slice(0, -1)));
}
