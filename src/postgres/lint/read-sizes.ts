import type { Session } from "../session/connect.ts";
import type { TableSize, TableSizes } from "./define-rule.ts";

/**
 * Sizes of all tables as the catalog's statistics have them: no row is read and no table locked. A table of which
 * nothing was ever counted is left out, so that it counts as large.
 */
export async function readTableSizes(session: Session): Promise<TableSizes> {
  const rows = await session.query<TableSize & { name: string }>(SIZES);
  return new Map(rows.map(({ name, rows: count, bytes }) => [name, { rows: count, bytes }]));
}

/** reltuples is -1 until the first ANALYZE or VACUUM. A partitioned table has what its partitions have. */
const SIZES = `
  with stored as (
    select c.oid, n.nspname || '.' || c.relname as name, c.relispartition,
      case when c.reltuples >= 0 or s.n_live_tup > 0 then greatest(c.reltuples, s.n_live_tup, 0)::float8 end as rows,
      (c.relpages + coalesce(t.relpages, 0) + coalesce(i.pages, 0))::float8 * current_setting('block_size')::int as bytes
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_stat_all_tables s on s.relid = c.oid
    left join pg_class t on t.oid = c.reltoastrelid
    left join lateral (
      select sum(x.relpages) as pages from pg_index d join pg_class x on x.oid = d.indexrelid where d.indrelid = c.oid
    ) i on true
    where c.relkind in ('r', 'm')
  )
  select name, rows, bytes from stored where rows is not null
  union all
  select n.nspname || '.' || c.relname, sum(stored.rows), sum(stored.bytes)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  cross join lateral pg_partition_tree(c.oid) p
  join stored on stored.oid = p.relid
  where c.relkind = 'p'
  group by 1
  having bool_and(stored.rows is not null)`;
