import type { RlsCheck } from "./define.ts";

export const definerOpen: RlsCheck = {
  id: "definer-open",
  level: "note",
  title: "a SECURITY DEFINER function, which asks no policy, can be called from outside",
  fix: "revoke execute from public and the role, unless the function checks who calls",
  sql: `select p.oid::regprocedure::text as object, array_to_string(array(select r from unnest($2::text[]) r where to_regrole(quote_ident(r)) is not null and has_function_privilege(r, p.oid, 'execute')), ', ') as detail
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and n.nspname = any ($1::text[]) and p.prorettype <> 'trigger'::regtype and exists (select from unnest($2::text[]) r where to_regrole(quote_ident(r)) is not null and has_function_privilege(r, p.oid, 'execute'))
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    order by 1`,
};
