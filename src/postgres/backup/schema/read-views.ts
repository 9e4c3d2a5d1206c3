import {
  USER_NAMESPACE,
  addressSql,
  named,
  notOfExtension,
  withOptions,
  type ReadObjects,
} from "./catalog.ts";

/** Views and materialized views; the latter are filled from the restored rows. */
export const readViews: ReadObjects = async (session) => {
  interface Row {
    address: string;
    key: string;
    oid: string;
    name: string;
    kind: "v" | "m";
    options: string[] | null;
    definition: string;
    rule: string;
    rowType: string;
    arrayType: string;
    populated: boolean;
  }
  const rows = await session.query<Row>(
    `select ${named("pg_class", "c.oid")}, c.oid::text as oid, c.oid::regclass::text as name, c.relkind as kind, c.reloptions as options,
       pg_get_viewdef(c.oid) as definition, ${addressSql("pg_rewrite", "r.oid")} as rule, ${addressSql("pg_type", "c.reltype")} as "rowType",
       ${addressSql("pg_type", "(select y.typarray from pg_type y where y.oid = c.reltype)")} as "arrayType", c.relispopulated as populated
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
       join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
     where c.relkind in ('v', 'm') and c.relpersistence <> 't' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`,
  );
  return rows.flatMap((row) => {
    const definition = row.definition.replace(/;\s*$/, "");
    const isMaterialized = row.kind === "m";
    const view = {
      address: row.address,
      key: row.key,
      phase: "before" as const,
      aliases: [row.rule, row.rowType, row.arrayType],
      sql: [
        `CREATE ${isMaterialized ? "MATERIALIZED " : ""}VIEW ${row.name}${withOptions(row.options)} AS\n${definition}${isMaterialized ? "\nWITH NO DATA" : ""}`,
      ],
    };
    if (!isMaterialized || !row.populated) return [view];
    return [
      view,
      {
        address: `rows:${row.oid}`,
        key: `rows of ${row.key}`,
        phase: "after" as const,
        sql: [`REFRESH MATERIALIZED VIEW ${row.name}`],
      },
    ];
  });
};

export const readRules: ReadObjects = async (session) => {
  const rows = await session.query<{
    address: string;
    key: string;
    definition: string;
    state: string | null;
  }>(
    `select ${named("pg_rewrite", "r.oid")}, pg_get_ruledef(r.oid) as definition,
       case r.ev_enabled when 'D' then 'DISABLE' when 'R' then 'ENABLE REPLICA' when 'A' then 'ENABLE ALWAYS' end
         || ' RULE ' || quote_ident(r.rulename) || ' ON ' || c.oid::regclass::text as state
     from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
     where r.rulename <> '_RETURN' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}`,
  );
  return rows.map(({ address, key, definition, state }) => ({
    address,
    key,
    phase: "after" as const,
    sql: [definition.replace(/;\s*$/, ""), ...(state === null ? [] : [alterRule(state)])],
  }));
};

function alterRule(state: string): string {
  const [change, table = ""] = state.split(/ ON (?=[^ ]+$)/);
  return `ALTER TABLE ${table} ${change ?? ""}`;
}
