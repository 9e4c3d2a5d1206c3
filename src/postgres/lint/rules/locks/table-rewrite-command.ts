import type { AlterTableCmd } from "libpg-query";
import { treeOf } from "../../../sql/tree.ts";
import { keyOf, shown } from "../../catalog/catalog.ts";
import { isOn } from "../../catalog/objects.ts";
import { commandsOf, placeOfCommand } from "../../commands-of.ts";
import { defineRule } from "../../define-rule.ts";

const COMMANDS: Partial<Record<NonNullable<AlterTableCmd["subtype"]>, string>> = {
  AT_SetLogged: "SET LOGGED",
  AT_SetUnLogged: "SET UNLOGGED",
  AT_SetTableSpace: "SET TABLESPACE",
  AT_SetAccessMethod: "SET ACCESS METHOD",
};

export const tableRewriteCommand = defineRule({
  id: "table-rewrite-command",
  summary: "VACUUM FULL, CLUSTER, SET LOGGED and the like, which write the whole table again.",
  severity: "block",
  requirements: ["C6"],
  why: "Nobody can read or write the table until all of it and its indexes are written again, which also needs as much free disk.",
  bad: [
    { sql: "cluster users using users_email_key;", effect: { rewrites: "users" } },
    { sql: { outside: "vacuum full users;" }, effect: { rewrites: "users" } },
    { sql: "alter table items set unlogged;", effect: { rewrites: "items" } },
  ],
  good: [{ sql: { outside: "vacuum (analyze) users;" } }],
  check(statement, { catalog, isLive }) {
    const altered = commandsOf(statement, catalog).flatMap((command) => {
      const what = command.subtype === undefined ? undefined : COMMANDS[command.subtype];
      if (what === undefined || !isLive(command.table)) return [];
      return [{ ...placeOfCommand(command), ...said(what, shown(command.table)) }];
    });
    const cluster = treeOf(statement.node, "ClusterStmt");
    if (cluster !== undefined)
      altered.push({
        ...said("CLUSTER", "the table"),
        relation: keyOf(catalog, cluster.relation),
        command: 0,
      });
    const vacuum = treeOf(statement.node, "VacuumStmt");
    if (vacuum?.is_vacuumcmd === true && isOn(vacuum.options, "full")) {
      const relation = keyOf(catalog, treeOf(vacuum.rels?.[0], "VacuumRelation")?.relation);
      altered.push({ ...said("VACUUM FULL", "the table"), relation, command: 0 });
    }
    return altered;
  },
  noRewrite:
    "PostgreSQL has no form of it that lets others work: decide whether it is worth a stop of the service, or do it with pg_repack or a new table beside the old one.",
});

function said(what: string, table: string) {
  return {
    message: `${what} writes all of ${table} again while nobody can read or write it`,
    hint: "Do not do it while people are there: use pg_repack, or a new table that is filled beside the old one.",
  };
}
