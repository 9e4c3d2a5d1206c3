/**
 * The first part of the catalog query: what is looked at. $1: schemas to include (empty: all of the application),
 * $2: schemas to leave out. Left out always: the system's schemas, what belongs to an extension, and the history
 * tables of migration tools; unless included by name, also schemas that a Supabase service account owns.
 */
export const SCOPE = `
  extension_member as materialized (
    select classid, objid from pg_depend where deptype = 'e' and refclassid = 'pg_extension'::regclass
  ),
  space as materialized (
    select n.oid, quote_ident(n.nspname) as name, n.nspowner, n.nspacl from pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> all ($2::text[])
      and case when cardinality($1::text[]) > 0 then n.nspname = any ($1::text[])
        else pg_get_userbyid(n.nspowner) not like 'supabase\\_%admin' end
      and not exists (select from extension_member e where e.classid = 'pg_namespace'::regclass and e.objid = n.oid)
  ),
  relation as materialized (
    select c.oid, c.relname, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
      c.relreplident, c.relispartition, c.relpartbound, c.reloftype, c.relacl, c.relowner, s.name as schema,
      s.name || '.' || quote_ident(c.relname) as identity
    from pg_class c join space s on s.oid = c.relnamespace
    where c.relname <> '_prisma_migrations'
      and not exists (select from extension_member e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
  )`;
