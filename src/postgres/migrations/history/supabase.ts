import { literal } from "../../session/literal.ts";
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
  undo: "file of its name in supabase/down",

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

  recordSql(_session, { version, name, script = [] }) {
    const values = [version, name, script].map(literal).join(", ");
    return Promise.resolve(
      `insert into supabase_migrations.schema_migrations (version, name, statements) values (${values})`,
    );
  },

  async forget(session, { version }) {
    await session.query("delete from supabase_migrations.schema_migrations where version = $1", [version]);
  },

  markApplied: (version) => `supabase migration repair --status applied ${version}`,
  markReverted: (version) => `supabase migration repair --status reverted ${version}`,
};

/**
 * <digits>_<name>.sql in supabase/migrations. The undo of a file has its name in supabase/down: the CLI would run
 * a <name>.down.sql beside it as a migration.
 */
export const supabaseHistory: MigrationHistory = {
  format: "supabase",
  owner,
  async discover(directory) {
    const { files, problems } = await readFolder(directory, sqlFile);
    const undo = await readFolder(directory, (name) =>
      sqlFile(name) === undefined ? undefined : `../down/${name}`,
    );
    problems.push(...undo.problems);
    const downs = new Map(undo.files.map(({ name, text }) => [name, text]));
    const migrations = files.flatMap(({ name: file, text }) => {
      const named = FILE_NAME.exec(file);
      // The CLI passes over other names, too.
      if (named === null) return [];
      const [, version = "", name = ""] = named;
      if (DOWN.test(file)) {
        const place = `supabase/down/${file.replace(DOWN, ".sql")}`;
        problems.push(`${file}:1:1: the Supabase CLI would run this as a migration: move it to ${place}`);
      }
      const down = downs.get(`../down/${file}`);
      const own = down === undefined ? {} : { down: { file: `../down/${file}`, text: down } };
      return [parseForeign({ format: "supabase", version, name, file, text, ...own })];
    });
    migrations.sort(compareVersions);
    problems.push(...findDuplicates(migrations));
    if (problems.length > 0) throw invalidMigrations(directory, problems);
    return migrations;
  },
};
