import { EXPOSED, type RlsCheck } from "./define.ts";

export const grantPastRls: RlsCheck = {
  id: "grant-past-rls",
  level: "note",
  title: "a role from outside may TRUNCATE, which asks no policy",
  fix: "revoke truncate on the table from the role",
  sql: `with ${EXPOSED}
    select e.name as object, string_agg(r, ', ' order by r) as detail from exposed e, unnest($2::text[]) r
    where e.relkind in ('r', 'p') and to_regrole(quote_ident(r)) is not null and has_table_privilege(r, e.oid, 'truncate')
    group by 1 order by 1`,
};
