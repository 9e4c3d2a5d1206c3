import type { Session } from "../session/connect.ts";
import type { BackupSequence } from "./manifest.ts";
import { USER_NAMESPACE, notOfExtension } from "./schema/catalog.ts";

/** How many sequences are read by one statement. */
const BATCH = 200;

/**
 * Where the sequences stand, by name. They stand outside snapshots: read after one, they are never behind its
 * rows, unless the database itself has rows that did not come from the sequence.
 */
export async function readSequenceStates(session: Session): Promise<BackupSequence[]> {
  const all = await session.query<{ name: string; behind: string }>(
    `select c.oid::regclass::text as name, coalesce((
       select format('coalesce((select %s(%I) %s case when s.is_called then s.last_value else s.last_value %s end from only %s), false)',
         case when q.seqincrement > 0 then 'max' else 'min' end, a.attname, case when q.seqincrement > 0 then '>' else '<' end,
         case when q.seqincrement > 0 then '- 1' else '+ 1' end, d.refobjid::regclass)
       from pg_depend d join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid join pg_class o on o.oid = d.refobjid
       where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0
         and o.relkind = 'r' and a.atttypid in (20, 21, 23, 1700) limit 1), 'false') as behind
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_sequence q on q.seqrelid = c.oid
     where c.relkind = 'S' and c.relpersistence <> 't' and ${USER_NAMESPACE} and ${notOfExtension("pg_class", "c.oid")}
     order by c.oid::regclass::text collate "C"`,
  );
  const states: BackupSequence[] = [];
  for (let from = 0; from < all.length; from += BATCH) {
    const batch = all
      .slice(from, from + BATCH)
      .map(
        ({ name, behind }, index) =>
          `select ${index} as position, s.last_value::text as "lastValue", s.is_called as "isCalled", ${behind} as behind from ${name} s`,
      );
    const rows = await session.query<Omit<BackupSequence, "name"> & { position: number }>(
      `${batch.join("\nunion all\n")}\norder by position`,
    );
    states.push(...rows.map(({ position, ...state }) => ({ name: all[from + position]!.name, ...state })));
  }
  return states;
}
