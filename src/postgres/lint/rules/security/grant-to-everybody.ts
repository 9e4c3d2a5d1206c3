import { treeOf } from "../../../sql/tree.ts";
import { defineRule } from "../../define-rule.ts";

export const grantToEverybody = defineRule({
  id: "grant-to-everybody",
  summary: "Rights for PUBLIC or for the anonymous role.",
  severity: "ask",
  requirements: ["C9"],
  why: "Everybody who reaches the database, or its API without signing in, may do it from then on; default privileges give it for every table to come.",
  bad: [
    {
      sql: "grant select on users to public;",
      effect: {
        shows:
          "select exists (select from aclexplode((select relacl from pg_class where oid = 'users'::regclass)) where grantee = 0)",
      },
    },
    {
      sql: "alter default privileges in schema public grant all on tables to public;",
      effect: {
        shows: "select exists (select from pg_default_acl, aclexplode(defaclacl) where grantee = 0)",
      },
    },
  ],
  good: [{ sql: "revoke all on users from public; grant select on users to current_user;" }],
  check({ node }) {
    const defaults = treeOf(node, "AlterDefaultPrivilegesStmt");
    const tree = defaults?.action ?? treeOf(node, "GrantStmt");
    // USAGE of a schema alone shows no row.
    if (tree?.is_grant !== true || tree.objtype === "OBJECT_SCHEMA") return [];
    const open = (tree.grantees ?? [])
      .map((each) => treeOf(each, "RoleSpec"))
      .find((role) => role?.roletype === "ROLESPEC_PUBLIC" || role?.rolename === "anon");
    if (open === undefined) return [];
    const rights = (tree.privileges ?? [])
      .map((each) => treeOf(each, "AccessPriv")?.priv_name ?? "")
      .join(", ");
    const who = open.rolename ?? "everybody";
    return [
      {
        message: `${who} gets ${rights === "" ? "all rights" : rights}${defaults === undefined ? "" : ", also on what is made later"}`,
        hint: "Grant it to the role that needs it.",
      },
    ];
  },
  noRewrite: "Which role needs the right is not in the file: grant it to that one.",
});
