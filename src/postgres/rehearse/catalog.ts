import type { Workbench } from "./workbench.ts";
import { FOREIGN_SCHEMAS } from "./reading.ts";
import type { Difference } from "./rehearsal.ts";

/** Object → its definition. */
export type Catalog = ReadonlyMap<string, string>;

/** Everything of the schema that a migration can change, but the order of columns. Reads only. */
export async function readCatalog(bench: Workbench): Promise<Catalog> {
  const [row] = await bench.query<{ objects: string }>(OBJECTS);
  return new Map(JSON.parse(row!.objects) as [string, string][]);
}

/** Pure: what is in `now` compared with `then`. Sorted by name. */
export function compareCatalogs(then: Catalog, now: Catalog): Difference[] {
  const names = [...new Set([...then.keys(), ...now.keys()])].toSorted();
  return names.flatMap((object): Difference[] => {
    if (!now.has(object)) return [{ object, change: "missing" }];
    if (!then.has(object)) return [{ object, change: "extra" }];
    return then.get(object) === now.get(object) ? [] : [{ object, change: "different" }];
  });
}

/** "users", "audit.log": the schema is said unless it is public. */
const named = (schema: string, name: string): string =>
  `case when ${schema} = 'public' then '' else ${schema}::text || '.' end || ${name}::text`;
const own = (schema: string): string => `${schema} !~ '${FOREIGN_SCHEMAS}'`;
/** What an extension brings belongs to the extension. */
const notOfExtension = (catalog: string, oid: string): string =>
  `not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;
const acl = (column: string): string =>
  `coalesce((select string_agg(a::text, ' ' order by a::text) from unnest(${column}) a), '')`;

const OBJECTS = `
  with relation as (
    select c.*, n.nspname, ${named("n.nspname", "c.relname")} as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${own("n.nspname")} and ${notOfExtension("pg_class", "c.oid")}
  ), object(name, definition) as (
    select 'schema ' || nspname, concat_ws(' ', nspowner::regrole, ${acl("nspacl")})
      from pg_namespace where ${own("nspname")}
    union all
    select case relkind when 'S' then 'sequence ' when 'v' then 'view ' when 'm' then 'materialized view '
          when 'f' then 'foreign table ' else 'table ' end || name,
        concat_ws(' ', relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident, relowner::regrole,
          reloptions::text, ${acl("relacl")}, pg_get_expr(relpartbound, oid), pg_get_partkeydef(oid),
          case when relkind in ('v', 'm') then pg_get_viewdef(oid) end)
      from relation where relkind in ('r', 'p', 'f', 'v', 'm', 'S')
    union all
    select 'column ' || name || '.' || attname,
        concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attstorage, attcompression,
          attcollation::text, ${acl("attacl")}, pg_get_expr(adbin, adrelid))
      from relation join pg_attribute on attrelid = relation.oid
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where relkind in ('r', 'p', 'f', 'v', 'm') and attnum > 0 and not attisdropped
    union all
    select 'constraint ' || conname || ' on ' || name, concat_ws(' ', pg_get_constraintdef(k.oid), convalidated)
      from relation join pg_constraint k on conrelid = relation.oid where contype <> 'n'
    union all
    select 'index ' || name, concat_ws(' ', pg_get_indexdef(i.indexrelid), indisvalid, indisreplident, indisclustered)
      from relation join pg_index i on i.indexrelid = relation.oid
    union all
    select 'trigger ' || tgname || ' on ' || name, concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled)
      from relation join pg_trigger t on tgrelid = relation.oid where not tgisinternal
    union all
    select 'policy ' || polname || ' on ' || name,
        concat_ws(' ', polcmd, polpermissive, (select string_agg(r::regrole::text, ',' order by r::regrole::text) from unnest(polroles) r),
          pg_get_expr(polqual, polrelid), '|', pg_get_expr(polwithcheck, polrelid))
      from relation join pg_policy on polrelid = relation.oid
    union all
    select 'rule ' || rulename || ' on ' || name, pg_get_ruledef(r.oid)
      from relation join pg_rewrite r on ev_class = relation.oid where rulename <> '_RETURN'
    union all
    select case prokind when 'p' then 'procedure ' else 'function ' end || ${named("nspname", "proname")} || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        concat_ws(' ', case when prokind in ('f', 'p', 'w') then pg_get_functiondef(p.oid) else prosrc end, proowner::regrole, ${acl("proacl")})
      from pg_proc p join pg_namespace n on n.oid = pronamespace
      where ${own("nspname")} and ${notOfExtension("pg_proc", "p.oid")}
    union all
    select 'type ' || ${named("nspname", "typname")},
        concat_ws(' ', typtype, format_type(nullif(typbasetype, 0), typtypmod), typnotnull, typdefault, ${acl("typacl")},
          (select string_agg(enumlabel, ',' order by enumsortorder) from pg_enum where enumtypid = t.oid),
          (select string_agg(conname || pg_get_constraintdef(k.oid), ' ' order by conname) from pg_constraint k where contypid = t.oid))
      from pg_type t join pg_namespace n on n.oid = typnamespace
      where ${own("nspname")} and (typtype in ('e', 'd', 'r') or (typtype = 'c' and (select relkind from pg_class where oid = typrelid) = 'c'))
        and ${notOfExtension("pg_type", "t.oid")}
    union all
    select 'extension ' || extname, extversion from pg_extension where extname <> 'plpgsql'
  )
  select coalesce(json_agg(json_build_array(name, definition)), '[]')::text as objects from object`;
