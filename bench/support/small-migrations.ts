/** Which program the files are for: each marks its sections in its own way. */
export type MigrationDialect = "tminus" | "dbmate" | "node-pg-migrate";

const SECTIONS: Record<MigrationDialect, { up: string; down: string }> = {
  tminus: { up: "-- tminus: up", down: "-- tminus: down" },
  dbmate: { up: "-- migrate:up", down: "-- migrate:down" },
  "node-pg-migrate": { up: "-- Up Migration", down: "-- Down Migration" },
};

export interface SmallMigration {
  file: string;
  sql: string;
}

/** 500 small files: 100 tables, 150 columns, 100 indexes, 50 checks, 50 inserts, 50 comments with a grant. */
export function smallMigrations(): SmallMigration[] {
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const statements = [
    ...numbers(100).map((n) => `create table t${n} (id bigint primary key, name text not null);`),
    ...numbers(150).map((n) => `alter table t${n % 100} add column c${n} integer;`),
    ...numbers(100).map((n) => `create index t${n}_name on t${n} (name);`),
    ...numbers(50).map((n) => `alter table t${n} add constraint t${n}_id check (id > 0);`),
    ...numbers(50).map((n) => `insert into t${n} (id, name) values (1, 'one'), (2, 'two');`),
    ...numbers(50).map((n) => `comment on table t${n} is 'table ${n}';\ngrant select on t${n} to public;`),
  ];
  return statements.map((sql, index) => ({ file: `${20260101000000 + index}_step_${index}.sql`, sql }));
}

/** The content of a file for a program. */
export function migrationText(sql: string, dialect: MigrationDialect): string {
  const { up, down } = SECTIONS[dialect];
  return `${up}\n${sql}\n${down}\nselect 1;\n`;
}
