/** Enums with their labels in order, domains, composite types and ranges. */
export const TYPES = `
  select 'enum' as kind, s.name || '.' || quote_ident(t.typname) as identity, null as "on", quote_ident(t.typname) as name,
    t.oid::bigint as position, jsonb_build_object('labels', e.labels) as definition,
    format('create type %s.%I as enum (%s)', s.name, t.typname, e.list) as sql
  from pg_type t join space s on s.oid = t.typnamespace,
    lateral (select coalesce(jsonb_agg(enumlabel order by enumsortorder), '[]'),
      coalesce(string_agg(quote_literal(enumlabel), ', ' order by enumsortorder), '') from pg_enum where enumtypid = t.oid) e (labels, list)
  where t.typtype = 'e'
    and not exists (select from extension_member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)
  union all
  select 'domain', s.name || '.' || quote_ident(t.typname), null, quote_ident(t.typname), t.oid::bigint,
    jsonb_build_object('type', b.type, 'notNull', t.typnotnull, 'default', t.typdefault, 'collation', b.collated,
      'checks', k.checks),
    format('create domain %s.%I as %s%s%s%s%s', s.name, t.typname, b.type, ' collate ' || b.collated,
      ' default ' || t.typdefault, case when t.typnotnull then ' not null' end, k.list)
  from pg_type t join space s on s.oid = t.typnamespace join pg_type u on u.oid = t.typbasetype,
    lateral (select format_type(t.typbasetype, t.typtypmod),
      case when t.typcollation <> u.typcollation then t.typcollation::regcollation::text end) b (type, collated),
    lateral (select jsonb_object_agg(conname, pg_get_constraintdef(oid)),
      string_agg(format(' constraint %I %s', conname, pg_get_constraintdef(oid)), '' order by conname)
      from pg_constraint where contypid = t.oid and contype = 'c') k (checks, list)
  where t.typtype = 'd'
    and not exists (select from extension_member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)
  union all
  select 'composite type', c.identity, null, quote_ident(c.relname), c.oid::bigint,
    jsonb_build_object('attributes', a.attributes), format('create type %s as (%s)', c.identity, a.list)
  from relation c,
    lateral (select jsonb_agg(jsonb_build_array(attname, format_type(atttypid, atttypmod)) order by attnum),
      string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum)
      from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) a (attributes, list)
  where c.relkind = 'c'
  union all
  select 'range', s.name || '.' || quote_ident(t.typname), null, quote_ident(t.typname), t.oid::bigint,
    jsonb_build_object('subtype', format_type(r.rngsubtype, null),
      'collation', nullif(r.rngcollation, 0)::regcollation::text,
      'canonical', nullif(r.rngcanonical::oid, 0)::regprocedure::text,
      'difference', nullif(r.rngsubdiff::oid, 0)::regprocedure::text), null
  from pg_type t join space s on s.oid = t.typnamespace join pg_range r on r.rngtypid = t.oid
  where not exists (select from extension_member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)`;
