/**
 * Extensions and publications. $3: whether the versions of extensions count. `version` is server_version_num:
 * 14 has no row filters, column lists and schemas in publications.
 */
export function databaseWide(version: number): string {
  const details =
    version >= 150_000
      ? `, 'filter', pg_get_expr(r.prqual, r.prrelid),
         'columns', (select jsonb_agg(a.attname order by a.attnum) from pg_attribute a
           where a.attrelid = r.prrelid and a.attnum = any (r.prattrs::smallint[]))`
      : "";
  const schemas =
    version >= 150_000
      ? "(select jsonb_agg(n.pnnspid::regnamespace::text order by 1) from (select pnnspid from pg_publication_namespace where pnpubid = p.oid order by pnnspid::regnamespace::text) n)"
      : "null";
  return `
  select 'extension' as kind, quote_ident(e.extname) as identity, null as "on", quote_ident(e.extname) as name,
    e.oid::bigint as position,
    jsonb_build_object('schema', n.nspname, 'version', case when $3::boolean then e.extversion end) as definition,
    format('create extension if not exists %I with schema %I', e.extname, n.nspname) as sql
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname <> 'plpgsql'
  union all
  select 'publication', quote_ident(p.pubname), null, quote_ident(p.pubname), p.oid::bigint,
    jsonb_build_object('allTables', p.puballtables, 'insert', p.pubinsert, 'update', p.pubupdate, 'delete', p.pubdelete,
      'truncate', p.pubtruncate, 'viaRoot', p.pubviaroot, 'schemas', ${schemas},
      'tables', (select jsonb_object_agg(r.prrelid::regclass::text, jsonb_strip_nulls(jsonb_build_object('published', true${details})))
        from pg_publication_rel r where r.prpubid = p.oid)),
    null
  from pg_publication p`;
}
