import type { Session } from "../../session/connect.ts";
import type { ReadObjects, SchemaObject } from "./catalog.ts";
import { orderObjects, type Dependency } from "./order.ts";
import { readEventTriggers, readExtensions, readSchemas } from "./read-containers.ts";
import { readComments, readDefaultPrivileges, readGrants, readOwners } from "./read-privileges.ts";
import { readRoutines } from "./read-routines.ts";
import { readSequenceOwners, readSequences } from "./read-sequences.ts";
import {
  readConstraints,
  readIndexes,
  readPolicies,
  readStatistics,
  readTriggers,
} from "./read-table-parts.ts";
import { readDefaults, readTables } from "./read-tables.ts";
import { readComposites, readDomains, readEnums, readRanges } from "./read-types.ts";
import { readUncovered } from "./read-uncovered.ts";
import { readRules, readViews } from "./read-views.ts";

const READERS: readonly ReadObjects[] = [
  readSchemas,
  readExtensions,
  readEnums,
  readDomains,
  readComposites,
  readRanges,
  readRoutines,
  readSequences,
  readSequenceOwners,
  readTables,
  readDefaults,
  readViews,
  readRules,
  readIndexes,
  readConstraints,
  readTriggers,
  readPolicies,
  readStatistics,
  readEventTriggers,
];

export interface SchemaReading {
  /** In the order in which they can be made. */
  objects: SchemaObject[];
  /** What the database has and the objects do not cover. */
  uncovered: string[];
}

/**
 * The schema of a database as statements, read from its catalog in the session's transaction. Sets the session's
 * search_path to nothing, so that every name is qualified. Errors: BACKUP_FAILED.
 */
export async function readSchema(session: Session): Promise<SchemaReading> {
  await session.query("select set_config('search_path', '', false)");
  const objects: SchemaObject[] = [];
  for (const read of READERS) objects.push(...(await read(session)));
  const dependencies = await session.query<Dependency & Record<string, string>>(DEPENDENCIES);
  const ordered = orderObjects(objects, dependencies);
  const addresses = new Set(objects.flatMap(({ address, aliases = [] }) => [address, ...aliases]));
  return {
    objects: [
      ...ordered,
      ...(await readOwners(session)),
      ...(await readGrants(session)),
      ...(await readComments(session, addresses)),
      ...(await readDefaultPrivileges(session)),
    ],
    uncovered: await readUncovered(session),
  };
}

/** A sequence that belongs to a column is made before the table whose default uses it. */
const DEPENDENCIES = `
  select d.classid || ':' || d.objid as from, d.refclassid || ':' || d.refobjid as to from pg_depend d
  where d.objid <> d.refobjid and d.deptype <> 'e'
    and not (d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
      and exists (select 1 from pg_class s where s.oid = d.objid and s.relkind = 'S'))`;
