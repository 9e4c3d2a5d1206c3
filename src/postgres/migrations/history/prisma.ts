import { createHash, randomUUID } from "node:crypto";
import type { Session } from "../../session/connect.ts";
import { literal } from "../../session/literal.ts";
import { invalidMigrations, readFolder } from "../discover.ts";
import type { HistoryOwner, MigrationHistory, OwnerRow } from "../history.ts";
import { compareVersions } from "../migration.ts";
import { parseForeign } from "../parse-foreign.ts";

const owner: HistoryOwner = {
  name: "Prisma Migrate",
  table: "_prisma_migrations",
  undo: "down.sql beside it",
  lockKey: "72707369",

  async read(session) {
    const table = await findTable(session);
    if (table === undefined) return [];
    // A row that was rolled back is kept by Prisma as a note; an applied one counts before a failed one.
    return session.query<OwnerRow & Record<string, unknown>>(
      `select distinct on (migration_name collate "C") migration_name as version,
         migration_name || '/migration.sql' as file,
         case when finished_at is null then 'failed' else 'applied' end as state,
         to_char(coalesce(finished_at, started_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "appliedAt",
         checksum, null::text[] as statements, logs as log
       from ${table} where rolled_back_at is null
       order by migration_name collate "C", finished_at nulls last`,
    );
  },

  agrees({ checksum, otherChecksums = [] }, row) {
    return row.checksum === null ? undefined : [checksum, ...otherChecksums].includes(row.checksum);
  },

  async prepare(session) {
    if ((await findTable(session)) !== undefined) return;
    await session.query(
      `create table if not exists public._prisma_migrations (
         id varchar(36) primary key not null,
         checksum varchar(64) not null,
         finished_at timestamptz,
         migration_name varchar(255) not null,
         logs text,
         rolled_back_at timestamptz,
         started_at timestamptz not null default now(),
         applied_steps_count integer not null default 0
       )`,
    );
  },

  async recordSql(session, { version, checksum }, durationMs) {
    const values = [randomUUID(), checksum, version].map(literal).join(", ");
    return `insert into ${await tableOf(session)}
         (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values (${values}, clock_timestamp() - ${durationMs} * interval '1 ms', clock_timestamp(), 1)`;
  },

  async forget(session, { version }) {
    await session.query(
      `delete from ${await tableOf(session)} where migration_name = $1 and rolled_back_at is null`,
      [version],
    );
  },

  async adviseOnFailure(session, row, migration) {
    // Asks the parser, which those that only read files do without.
    const { adviseOnFailure } = await import("./prisma-failure.ts");
    return adviseOnFailure(session, row, migration);
  },
  markApplied: (version) => `prisma migrate resolve --applied "${version}"`,
  markReverted: (version) => `prisma migrate resolve --rolled-back "${version}"`,
};

/** <name>/migration.sql in prisma/migrations (Prisma 7 and older); down.sql beside it is the undo. */
export const prismaHistory: MigrationHistory = {
  format: "prisma",
  owner,
  async discover(directory) {
    const { files, problems } = await readFolder(directory, (name) => `${name}/migration.sql`);
    const undo = await readFolder(directory, (name) => `${name}/down.sql`);
    problems.push(...undo.problems);
    if (problems.length > 0) throw invalidMigrations(directory, problems);
    const downs = new Map(undo.files.map((file) => [file.name, file]));
    const migrations = files.map(({ name: file, text, bytes }) => {
      const version = file.slice(0, -"/migration.sql".length);
      const down = downs.get(`${version}/down.sql`);
      const migration = parseForeign({
        format: "prisma",
        version,
        name: version.replace(/^\d+[_ ]/, ""),
        file,
        text,
        ...(down === undefined ? {} : { down: { file: down.name, text: down.text } }),
      });
      const [checksum, ...otherChecksums] = checksumsOf(bytes);
      return { ...migration, checksum: checksum!, otherChecksums };
    });
    return migrations.sort(compareVersions);
  },
};

/** Of the bytes, then of what Prisma takes for the same: other line ends, and hex digits as early versions wrote them. */
function checksumsOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("utf8");
  const lines = text.replaceAll("\r\n", "\n");
  const variants = [text, lines, lines.replaceAll("\n", "\r\n")];
  return [...new Set(variants.flatMap((variant) => [checksumOf(variant), withoutPadding(variant)]))];
}

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function withoutPadding(text: string): string {
  return [...createHash("sha256").update(text).digest()].map((byte) => byte.toString(16)).join("");
}

async function tableOf(session: Session): Promise<string> {
  return (await findTable(session)) ?? "public._prisma_migrations";
}

/** Its table stands in the schema of Prisma's connection string, public as a rule. With its schema, quoted. */
async function findTable(session: Session): Promise<string | undefined> {
  const [row] = await session.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relname = '_prisma_migrations' and c.relkind = 'r'
     order by n.nspname <> 'public', n.nspname limit 1`,
  );
  return row?.name;
}
