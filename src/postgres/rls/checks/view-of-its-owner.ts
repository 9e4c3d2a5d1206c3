import { EXPOSED, type RlsCheck } from "./define.ts";

export const viewOfItsOwner: RlsCheck = {
  id: "view-of-its-owner",
  level: "fail",
  title: "a view reads a table past its row security, with the rights of the view's owner",
  fix: "alter view … set (security_invoker = true)",
  sql: `with ${EXPOSED}
    select v.name as object, 'reads ' || string_agg(distinct d.refobjid::regclass::text, ', ') || ', open to ' || v.open_to as detail
    from exposed v join pg_rewrite w on w.ev_class = v.oid
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
      join pg_class t on t.oid = d.refobjid
    where v.relkind in ('v', 'm') and v.open_to is not null and t.oid <> v.oid and t.relrowsecurity
      and not exists (select from unnest(v.reloptions) o where o ~* '^security_invoker=(true|on|1|yes)$')
    group by v.name, v.open_to order by 1`,
};
