import { treeOf } from "../../../sql/tree.ts";
import { shown } from "../../catalog/catalog.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

export const protectionOff = defineRule({
  id: "protection-off",
  summary: "Triggers or autovacuum of a table are switched off.",
  severity: "ask",
  requirements: ["C6"],
  why: "Without its triggers a table takes rows that break its foreign keys; without autovacuum it grows and in the end stops the database.",
  bad: [
    {
      sql: "alter table orders disable trigger all;",
      effect: { shows: "select bool_or(tgenabled = 'D') from pg_trigger where tgrelid = 'orders'::regclass" },
    },
    {
      sql: "alter table orders set (autovacuum_enabled = false);",
      effect: {
        shows:
          "select coalesce(reloptions::text like '%autovacuum_enabled=false%', false) from pg_class where oid = 'orders'::regclass",
      },
    },
    {
      sql: "set session_replication_role = replica;",
      effect: { shows: "select current_setting('session_replication_role') = 'replica'" },
    },
  ],
  good: [{ sql: "alter table orders set (autovacuum_vacuum_scale_factor = 0.05);" }],
  check(statement, { catalog, isNew, statements }) {
    const setting = treeOf(statement.node, "VariableSetStmt");
    if (
      setting?.name === "session_replication_role" &&
      JSON.stringify(setting.args ?? []).includes("replica")
    ) {
      return [
        {
          message: "no trigger runs in this session from here on, and no foreign key is checked",
          hint: "Disable one trigger by its name, and enable it in the same file.",
        },
      ];
    }
    return commandsOf(statement, catalog).flatMap((command) => {
      if (isNew(command.table)) return [];
      const isTriggers = command.subtype === "AT_DisableTrigAll" || command.subtype === "AT_DisableTrigUser";
      const isBack = statements.some(
        (other) =>
          other.index > statement.index &&
          commandsOf(other, catalog, "AT_EnableTrigAll", "AT_EnableTrigUser").some(
            ({ table }) => table === command.table,
          ),
      );
      const isVacuum =
        command.subtype === "AT_SetRelOptions" &&
        (treeOf(command.tree.def, "List")?.items ?? []).some((each) => {
          const option = treeOf(each, "DefElem");
          return (
            option?.defname === "autovacuum_enabled" &&
            /^(false|off|0)$/i.test(treeOf(option.arg, "String")?.sval ?? "")
          );
        });
      if (!isTriggers && !isVacuum) return [];
      const what = isVacuum ? "autovacuum" : "the triggers";
      return [
        {
          ...placeOfCommand(command),
          message: `${what} of ${shown(command.table)} ${isBack ? "are off until the file switches them on again; foreign keys are not checked meanwhile" : "stay off"}`,
          hint: isVacuum
            ? "Tune it (autovacuum_vacuum_scale_factor) instead."
            : "Disable one trigger by its name, and enable it in the same file.",
        },
      ];
    });
  },
  noRewrite:
    "Which trigger is in the way, and why, is not in the file: disable that one by its name and enable it in the same file.",
});
