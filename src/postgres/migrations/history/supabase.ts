import { isSameScript } from "../same-script.ts";
import { findDuplicates, invalidMigrations, readFolder, sqlFile } from "../discover.ts";
import type { HistoryOwner, MigrationHistory, OwnerRow } from "../history.ts";
import { compareVersions } from "../migration.ts";
import { parseForeign } from "../parse-foreign.ts";

const FILE_NAME = /^(\d+)_(.*)\.sql$/;
const DOWN = /\.down\.sql$/;

const owner: HistoryOwner = {
  name: "the Supabase CLI",
  table: "supabase_migrations.schema_migrations",

  async read(session) {
    const [found] = await session.query<{ name: boolean; statements: boolean }>(
      `select bool_or(attname = 'name') as name, bool_or(attname = 'statements') as statements
       from pg_attribute where attrelid = to_regclass('supabase_migrations.schema_migrations') having count(*) > 0`,
    );
    if (found === undefined) return [];
    // Tables of old versions of the CLI had the version alone.
    const rows = await session.query<{ version: string; name: string | null; statements: string[] | null }>(
      `select version, ${found.name ? "name" : "null as name"},
         ${found.statements ? "statements" : "null::text[] as statements"}
       from supabase_migrations.schema_migrations order by version collate "C"`,
    );
    return rows.map(({ version, name, statements }): OwnerRow => ({
      version,
      file: name === null || name === "" ? `${version}_….sql` : `${version}_${name}.sql`,
      state: "applied",
      appliedAt: null,
      checksum: null,
      statements,
      log: null,
    }));
  },

  agrees({ script = [] }, { statements }) {
    return statements === null || statements.length === 0 ? undefined : isSameScript(script, statements);
  },

  async prepare(session) {
    await session.query(
      `create schema if not exists supabase_migrations;
       create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
       alter table supabase_migrations.schema_migrations add column if not exists statements text[];
       alter table supabase_migrations.schema_migrations add column if not exists name text`,
    );
  },

  async record(session, { version, name, script = [] }) {
    await session.query(
      "insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)",
      [version, name, script],
    );
  },

  async forget(session, { version }) {
    await session.query("delete from supabase_migrations.schema_migrations where version = $1", [version]);
  },

  markApplied: (version) => `supabase migration repair --status applied ${version}`,
  markReverted: (version) => `supabase migration repair --status reverted ${version}`,
};

/** <digits>_<name>.sql in supabase/migrations; a file <digits>_<name>.down.sql beside it is the undo. */
export const supabaseHistory: MigrationHistory = {
  format: "supabase",
  owner,
  async discover(directory) {
    const { files: read, problems } = await readFolder(directory, sqlFile);
    const files = new Map(read.map((file) => [file.name, file]));
    const migrations = read.flatMap(({ name: file, text }) => {
      const named = FILE_NAME.exec(file);
      // The CLI passes over other names, too.
      if (named === null || DOWN.test(file)) return [];
      const down = files.get(file.replace(/\.sql$/, ".down.sql"));
      return [
        parseForeign({
          format: "supabase",
          version: named[1]!,
          name: named[2]!,
          file,
          text,
          ...(down === undefined ? {} : { down: { file: down.name, text: down.text } }),
        }),
      ];
    });
    migrations.sort(compareVersions);
    problems.push(...findDuplicates(migrations));
    if (problems.length > 0) throw invalidMigrations(directory, problems);
    return migrations;
  },
};
