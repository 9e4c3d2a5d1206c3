import {
  USER_NAMESPACE,
  addressSql,
  named,
  notOfExtension,
  type ReadObjects,
  type SchemaObject,
} from "./catalog.ts";

const OF_TABLE = `join pg_namespace n on n.oid = c.relnamespace
  where ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`;

/** The table at the top of the partitions that `c` is in: its indexes hang together. */
const ROOT = "coalesce(pg_partition_root(c.oid), c.oid)::regclass::text";

export const readIndexes: ReadObjects = async (session) => {
  interface Row extends IndexMarks {
    address: string;
    key: string;
    group: string;
    definition: string;
    parent: string | null;
    statistics: string[];
  }
  const rows = await session.query<Row>(
    `select ${named("pg_class", "x.indexrelid")}, ${ROOT} as group, pg_get_indexdef(x.indexrelid) as definition, ${INDEX_MARKS},
       array(select 'ALTER COLUMN ' || a.attnum || ' SET STATISTICS ' || a.attstattarget from pg_attribute a
         where a.attrelid = x.indexrelid and a.attstattarget >= 0 order by a.attnum) as statistics
     from pg_index x join pg_class c on c.oid = x.indrelid ${OF_TABLE} and c.relkind in ('r', 'p', 'm')
       and (x.indisvalid or c.relkind = 'p')
       and not exists (select 1 from pg_constraint k where k.conindid = x.indexrelid and k.contype in ('p', 'u', 'x'))`,
  );
  return rows.map((row) => ({
    address: row.address,
    key: row.key,
    phase: "index" as const,
    group: row.group,
    sql: [
      row.definition,
      ...row.statistics.map((change) => `ALTER INDEX ${row.index} ${change}`),
      ...marksOf(row),
    ],
  }));
};

export const readConstraints: ReadObjects = async (session) => {
  interface Row extends Partial<IndexMarks> {
    address: string;
    key: string;
    kind: string;
    group: string;
    name: string;
    definition: string;
    indexAddress: string | null;
  }
  const rows = await session.query<Row>(
    `select ${named("pg_constraint", "k.oid")}, k.contype as kind, ${ROOT} as group, quote_ident(k.conname) as name,
       pg_get_constraintdef(k.oid) as definition, ${addressSql("pg_class", "x.indexrelid")} as "indexAddress", ${INDEX_MARKS}
     from pg_constraint k join pg_class c on c.oid = k.conrelid
       left join pg_index x on x.indexrelid = k.conindid and k.contype in ('p', 'u', 'x') ${OF_TABLE}
       and (k.contype in ('p', 'u', 'x') or k.contype = 'c' and k.coninhcount = 0 or k.contype = 'f' and k.conparentid = 0
         or k.contype = 'n' and not k.convalidated and k.coninhcount = 0)`,
  );
  return rows.map((row): SchemaObject => {
    const hasIndex = ["p", "u", "x"].includes(row.kind);
    const only = hasIndex ? "ONLY " : "";
    return {
      address: row.address,
      key: row.key,
      phase: hasIndex ? "index" : "after",
      ...(hasIndex ? { group: row.group } : {}),
      ...(row.indexAddress === null ? {} : { aliases: [row.indexAddress] }),
      sql: [
        `ALTER TABLE ${only}${row.table ?? ""} ADD CONSTRAINT ${row.name} ${row.definition}`,
        ...(hasIndex ? marksOf(row as IndexMarks) : []),
      ],
    };
  });
};

export const readTriggers: ReadObjects = async (session) => {
  const rows = await session.query<{
    address: string;
    key: string;
    definition: string;
    state: string | null;
  }>(
    `select ${named("pg_trigger", "t.oid")}, pg_get_triggerdef(t.oid) as definition,
       'ALTER TABLE ' || c.oid::regclass::text || case t.tgenabled when 'D' then ' DISABLE' when 'R' then ' ENABLE REPLICA' when 'A' then ' ENABLE ALWAYS' end
         || ' TRIGGER ' || quote_ident(t.tgname) as state
     from pg_trigger t join pg_class c on c.oid = t.tgrelid ${OF_TABLE} and not t.tgisinternal and t.tgparentid = 0`,
  );
  return rows.map(({ address, key, definition, state }) => ({
    address,
    key,
    phase: "after" as const,
    sql: [definition, ...(state === null ? [] : [state])],
  }));
};

export const readPolicies: ReadObjects = async (session) => {
  const rows = await session.query<{ address: string; key: string; sql: string }>(
    `select ${named("pg_policy", "p.oid")},
       'CREATE POLICY ' || quote_ident(p.polname) || ' ON ' || c.oid::regclass::text
         || case when p.polpermissive then '' else ' AS RESTRICTIVE' end
         || ' FOR ' || case p.polcmd when 'r' then 'SELECT' when 'a' then 'INSERT' when 'w' then 'UPDATE' when 'd' then 'DELETE' else 'ALL' end
         || ' TO ' || (select string_agg(case when r = 0 then 'PUBLIC' else quote_ident(pg_get_userbyid(r)) end, ', ' order by r = 0, pg_get_userbyid(r)) from unnest(p.polroles) r)
         || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
         || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') as sql
     from pg_policy p join pg_class c on c.oid = p.polrelid ${OF_TABLE}`,
  );
  return rows.map(({ address, key, sql }) => ({ address, key, phase: "after" as const, sql: [sql] }));
};

export const readStatistics: ReadObjects = async (session) => {
  const rows = await session.query<{
    address: string;
    key: string;
    definition: string;
    target: string | null;
  }>(
    `select ${named("pg_statistic_ext", "s.oid")}, pg_get_statisticsobjdef(s.oid) as definition,
       case when s.stxstattarget >= 0 then 'ALTER STATISTICS ' || quote_ident(sn.nspname) || '.' || quote_ident(s.stxname) || ' SET STATISTICS ' || s.stxstattarget end as target
     from pg_statistic_ext s join pg_namespace sn on sn.oid = s.stxnamespace join pg_class c on c.oid = s.stxrelid ${OF_TABLE}`,
  );
  return rows.map(({ address, key, definition, target }) => ({
    address,
    key,
    phase: "after" as const,
    sql: [definition, ...(target === null ? [] : [target])],
  }));
};

interface IndexMarks {
  table: string;
  index: string;
  indexName: string;
  parent: string | null;
  clustered: boolean;
  replicaIdentity: boolean;
}

const INDEX_MARKS = `c.oid::regclass::text as table, x.indexrelid::regclass::text as index,
  (select quote_ident(i.relname) from pg_class i where i.oid = x.indexrelid) as "indexName",
  (select h.inhparent::regclass::text from pg_inherits h where h.inhrelid = x.indexrelid) as parent,
  x.indisclustered as clustered, x.indisreplident as "replicaIdentity"`;

function marksOf({ table, index, indexName, parent, clustered, replicaIdentity }: IndexMarks): string[] {
  return [
    ...(parent === null ? [] : [`ALTER INDEX ${parent} ATTACH PARTITION ${index}`]),
    ...(clustered ? [`ALTER TABLE ${table} CLUSTER ON ${indexName}`] : []),
    ...(replicaIdentity ? [`ALTER TABLE ONLY ${table} REPLICA IDENTITY USING INDEX ${indexName}`] : []),
  ];
}
