/** One way in which rows can be left open, looked up in the live catalog. One file for each. */
export interface RlsCheck {
  /** Kebab words. */
  id: string;
  /** What is wrong with an object that is found. */
  title: string;
  /** fail: rows are open, or will be. note: worth a look. */
  level: "fail" | "note";
  /** What to do about it, an imperative. */
  fix: string;
  /** Answers object and detail. $1: schemas that are exposed; $2: roles of people from outside. */
  sql: string;
}

/** Tables, views and policies in the exposed schemas that no extension owns, and which outside roles can use a table. */
export const EXPOSED = `exposed as materialized (
    select c.oid, c.relkind, c.relrowsecurity, c.reloptions, quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name,
      (select string_agg(r, ', ') from unnest($2::text[]) r
        where to_regrole(quote_ident(r)) is not null and has_schema_privilege(r, n.oid, 'usage')
          and (has_table_privilege(r, c.oid, 'select, insert, update, delete')
            or has_any_column_privilege(r, c.oid, 'select, insert, update'))) as open_to
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any ($1::text[]) and c.relkind in ('r', 'p', 'v', 'm') and c.relname <> '_prisma_migrations'
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ),
  policy as materialized (
    select p.*, e.name, e.relrowsecurity, pg_get_expr(p.polqual, p.polrelid) as using_text,
      pg_get_expr(p.polwithcheck, p.polrelid) as check_text,
      p.polroles = '{0}' or exists (select from unnest(p.polroles) r, unnest($2::text[]) o
        where to_regrole(quote_ident(o)) is not null and pg_has_role(o, r, 'usage')) as is_open
    from pg_policy p join exposed e on e.oid = p.polrelid
  )`;
