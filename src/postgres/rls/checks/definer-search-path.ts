import type { RlsCheck } from "./define.ts";

export const definerSearchPath: RlsCheck = {
  id: "definer-search-path",
  level: "fail",
  title: "a SECURITY DEFINER function does not fix its search_path: its caller decides what its names mean",
  fix: "alter function … set search_path = ''",
  sql: `select p.oid::regprocedure::text as object, 'no search_path, callable by ' || coalesce(nullif(array_to_string(array(select r from unnest($2::text[]) r where to_regrole(quote_ident(r)) is not null and has_function_privilege(r, p.oid, 'execute')), ', '), ''), 'nobody from outside') as detail
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.prosecdef and n.nspname = any ($1::text[]) and p.prorettype <> 'trigger'::regtype and not exists (select from unnest(p.proconfig) o where o like 'search_path=%')
      and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
    order by 1`,
};
