import type { RenameStmt } from "libpg-query";
import { treeOf } from "../../sql/tree.ts";
import { shown, type Table, type View } from "../catalog/catalog.ts";
import type { LintContext, LintStatement, NotRewritten, Rewrite } from "../define-rule.ts";
import { laterNames } from "./later-names.ts";
import { literal } from "./literal.ts";
import { named, relationNamed } from "./names-in-sql.ts";
import { sqlOf } from "./sql-of.ts";

/**
 * RENAME of a table or view: a view of the new name until the contract phase, when it makes room for the real one.
 * The release that runs keeps the real one all the time. Errors: SQL_UNPRINTABLE.
 */
export function renameRelation(
  key: string,
  tree: RenameStmt,
  statement: LintStatement,
  context: LintContext,
): Rewrite | NotRewritten {
  const { catalog } = context;
  const known: Table | View | undefined = catalog.tables.get(key) ?? catalog.views.get(key);
  if (known === undefined)
    return { reason: `No file here makes ${shown(key)}, so it is not known what it is: rename it by hand.` };
  const [schema = "", name = ""] = key.split(/\.(.*)/s);
  const to = tree.newname ?? "";
  const later = laterNames(name, statement, context) ?? laterNames(to, statement, context);
  if (later !== undefined) return { reason: later };
  if ("isPartitioned" in known && known.attached.some((node) => treeOf(node, "RuleStmt") !== undefined))
    return { reason: `${shown(key)} has a rule, which would act otherwise below a view.` };
  const from = relationNamed(key);
  const view = `${named(schema)}.${named(to)}`;
  const notes = [
    `-- Until the contract file has run ${view} is a view: reading, INSERT, UPDATE, DELETE and ON CONFLICT work; TRUNCATE,`,
    `-- COPY to it, foreign keys to it, ALTER and GROUP BY of its key alone do not. PostgreSQL 15 or newer is needed.`,
  ];
  return {
    steps: [
      {
        suffix: "second-name",
        transactional: true,
        sql: [
          ...notes,
          `create view ${view} with (security_invoker = true) as select * from ${from};`,
          sameGrants(from, view),
        ].join("\n"),
        down: `drop view ${view};`,
      },
      {
        suffix: "rename",
        transactional: true,
        phase: "contract",
        sql: `drop view ${view};\n${sqlOf(statement.node)}`,
        down: [
          `alter ${kindOf(tree)} ${view} rename to ${named(name)};`,
          `create view ${view} with (security_invoker = true) as select * from ${from};`,
          sameGrants(from, view),
        ].join("\n"),
      },
    ],
  };
}

/** Whoever may read or write the one may read or write the other; what the files grant is not all there is. */
function sameGrants(from: string, to: string): string {
  return `do $grants$
declare
  each record;
begin
  for each in
    select case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as who, privilege_type as what
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = ${literal(from)}::regclass and a.grantee <> c.relowner
      and privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  loop
    execute format('grant %s on ${to.replaceAll("'", "''").replaceAll("%", "%%")} to %s', each.what, each.who);
  end loop;
end $grants$;`;
}

function kindOf({ renameType }: RenameStmt): string {
  if (renameType === "OBJECT_MATVIEW") return "materialized view";
  return renameType === "OBJECT_VIEW" ? "view" : "table";
}
