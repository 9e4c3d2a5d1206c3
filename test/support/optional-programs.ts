import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { canIsolate } from "./isolated-network.ts";
import { serverPrograms } from "./own-server.ts";

interface OptionalProgram {
  name: string;
  isThere(path: string): boolean;
  tests: string;
  install: string;
}

/** Programs that some tests meet for real where they are installed. */
const PROGRAMS: readonly OptionalProgram[] = [
  {
    name: "a PostgreSQL server with pg_dump",
    isThere: () => serverPrograms() !== undefined,
    tests:
      "test/postgres/backup/pg-archive.test.ts, test/postgres/diagnose/signals.test.ts, test/cli/db/backup-pg-dump.test.ts",
    install: "apt-get install postgresql",
  },
  {
    name: "pgbouncer",
    isThere: (path) => isOnPath("pgbouncer", path),
    tests: "test/postgres/session/pooler.test.ts",
    install: "apt-get install pgbouncer",
  },
  {
    name: "prometheus",
    isThere: (path) => isOnPath("prometheus", path),
    tests:
      "test/providers/signals/prometheus/{conformance,history,real}.test.ts, test/providers/signals/openmetrics/exposition.test.ts, test/steps/watch/prometheus-dies.test.ts, test/e2e/demo.test.ts",
    install: "apt-get install prometheus",
  },
  {
    name: "networks of one's own (unshare, ip)",
    isThere: (path) => isOnPath("unshare", path) && isOnPath("ip", path) && canIsolate(),
    tests: "test/server/ssrf.test.ts",
    install: "apt-get install util-linux iproute2, where namespaces are not forbidden",
  },
];

/** What was skipped for want of a program and the command that brings it, one line each. */
export function skippedForWant(path = process.env.PATH ?? ""): string[] {
  return PROGRAMS.filter(({ isThere }) => !isThere(path)).map(
    ({ name, tests, install }) => `skipped for want of ${name}: some of ${tests}; to run them: ${install}`,
  );
}

function isOnPath(name: string, path: string): boolean {
  return path.split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, name)));
}
