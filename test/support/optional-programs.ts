import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

interface OptionalProgram {
  name: string;
  tests: string;
  install: string;
}

/** Programs that some tests meet for real where they are installed. */
const PROGRAMS: readonly OptionalProgram[] = [
  {
    name: "pg_dump",
    tests: "test/postgres/backup/pg-archive.test.ts",
    install: "apt-get install postgresql",
  },
  { name: "pgbouncer", tests: "test/postgres/session/pooler.test.ts", install: "apt-get install pgbouncer" },
];

/** What was skipped for want of a program and the command that brings it, one line each. */
export function skippedForWant(path = process.env.PATH ?? ""): string[] {
  const has = (name: string): boolean =>
    path.split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
  return PROGRAMS.filter(({ name }) => !has(name)).map(
    ({ name, tests, install }) => `skipped for want of ${name}: some of ${tests}; to run them: ${install}`,
  );
}
