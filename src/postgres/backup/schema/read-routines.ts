import { MADE_BY_ITSELF, USER_NAMESPACE, named, notOfExtension, type ReadObjects } from "./catalog.ts";

/** Functions, procedures and window functions. */
export const readRoutines: ReadObjects = async (session) => {
  const rows = await session.query<{ address: string; key: string; definition: string }>(
    `select ${named("pg_proc", "p.oid")}, pg_get_functiondef(p.oid) as definition
     from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where p.prokind in ('f', 'p', 'w') and ${USER_NAMESPACE} and ${notOfExtension("pg_proc", "p.oid")} and ${MADE_BY_ITSELF}`,
  );
  return rows.map(({ address, key, definition }) => ({
    address,
    key,
    phase: "before" as const,
    sql: [definition.trim()],
  }));
};
