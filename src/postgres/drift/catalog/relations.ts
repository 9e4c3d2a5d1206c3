/**
 * Tables, columns, constraints, indexes, views and sequences. What a partition or a child table inherits is told
 * by its parent alone.
 */
export const RELATIONS = `
  select 'schema' as kind, name as identity, null as "on", name, 0 as position, '{}'::jsonb as definition,
    'create schema ' || name as sql
  from space
  union all
  select 'table', c.identity, null, quote_ident(c.relname), c.oid::bigint,
    jsonb_build_object(
      'type', case c.relkind when 'p' then 'partitioned' when 'f' then 'foreign' else 'ordinary' end,
      'unlogged', nullif(c.relpersistence = 'u', false),
      'partitionBy', case when c.relkind = 'p' then pg_get_partkeydef(c.oid) end,
      'partition', pg_get_expr(c.relpartbound, c.oid),
      'inherits', (select jsonb_agg(i.inhparent::regclass::text order by i.inhseqno) from pg_inherits i where i.inhrelid = c.oid),
      'ofType', case when c.reloftype <> 0 then format_type(c.reloftype, null) end,
      'options', (select jsonb_agg(o order by o) from unnest(c.reloptions) o),
      'replicaIdentity', case c.relreplident when 'f' then 'full' when 'n' then 'nothing' when 'i' then 'index' end,
      'rowSecurity', c.relrowsecurity,
      'forceRowSecurity', nullif(c.relforcerowsecurity, false)),
    case when c.relkind = 'r' and c.reloftype = 0 and not exists (select from pg_inherits i where i.inhrelid = c.oid)
      then case c.relpersistence when 'u' then 'create unlogged table ' else 'create table ' end || c.identity || ' ()' end
  from relation c where c.relkind in ('r', 'p', 'f')
  union all
  select 'column', c.identity || '.' || quote_ident(a.attname), c.identity, quote_ident(a.attname), a.attnum,
    jsonb_build_object(
      'type', format_type(a.atttypid, a.atttypmod),
      'notNull', a.attnotnull,
      'notNullUnproven', case when a.attnotnull and exists (select from pg_constraint k where k.conrelid = a.attrelid
        and k.contype = 'n' and k.conkey = array[a.attnum] and not k.convalidated) then true end,
      'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
      'generated', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end,
      'virtual', nullif(a.attgenerated = 'v', false),
      'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
      'collation', case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end),
    null
  from relation c join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind in ('r', 'p', 'f') and a.attnum > 0 and not a.attisdropped and a.attinhcount = 0
  union all
  select 'constraint', c.identity || '.' || quote_ident(k.conname), c.identity, quote_ident(k.conname), k.oid::bigint,
    jsonb_build_object(
      'type', case k.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key'
        when 'c' then 'check' else 'exclude' end,
      'definition', regexp_replace(d.text, ' NOT VALID$', ''),
      'validated', k.convalidated),
    format('alter table %s add constraint %I %s', c.identity, k.conname, d.text)
  from relation c join pg_constraint k on k.conrelid = c.oid, pg_get_constraintdef(k.oid) d (text)
  where k.contype in ('p', 'u', 'f', 'c', 'x') and k.conparentid = 0 and k.coninhcount = 0
  union all
  select 'index', i.identity, t.identity, quote_ident(i.relname), i.oid::bigint,
    jsonb_build_object('definition', d.text, 'valid', x.indisvalid and x.indisready,
      'replicaIdentity', nullif(x.indisreplident, false)),
    d.text
  from relation i join pg_index x on x.indexrelid = i.oid join relation t on t.oid = x.indrelid, pg_get_indexdef(i.oid) d (text)
  where not i.relispartition and not exists (select from pg_constraint k
    where k.conindid = i.oid and k.conrelid = t.oid and k.contype in ('p', 'u', 'x'))
  union all
  select case c.relkind when 'm' then 'materialized view' else 'view' end, c.identity, null, quote_ident(c.relname),
    c.oid::bigint,
    jsonb_build_object('query', v.query, 'options', (select jsonb_agg(o order by o) from unnest(c.reloptions) o)),
    format('create %s %s%s as %s', case c.relkind when 'm' then 'materialized view' else 'view' end, c.identity,
      (select ' with (' || string_agg(o, ', ' order by o) || ')' from unnest(c.reloptions) o), v.query)
  from relation c, rtrim(pg_get_viewdef(c.oid), ';') v (query) where c.relkind in ('v', 'm')
  union all
  select 'sequence', c.identity, null, quote_ident(c.relname), c.oid::bigint,
    jsonb_build_object('type', format_type(s.seqtypid, null), 'start', s.seqstart, 'increment', s.seqincrement,
      'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
      'ownedBy', (select o.refobjid::regclass::text || '.' || quote_ident(a.attname) from pg_depend o
        join pg_attribute a on a.attrelid = o.refobjid and a.attnum = o.refobjsubid
        where o.classid = 'pg_class'::regclass and o.objid = c.oid and o.deptype = 'a')),
    format('create sequence %s as %s increment %s minvalue %s maxvalue %s start %s cache %s%s', c.identity,
      format_type(s.seqtypid, null), s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
      case when s.seqcycle then ' cycle' else '' end)
  from relation c join pg_sequence s on s.seqrelid = c.oid
  where not exists (select from pg_depend o where o.classid = 'pg_class'::regclass and o.objid = c.oid and o.deptype = 'i')`;
