import { expect, it } from "vitest";
import { skippedForWant } from "./support/optional-programs.ts";
import { serverPrograms } from "./support/own-server.ts";

it("names the tests that a missing program skips, and the command that brings it", () => {
  const server =
    "skipped for want of a PostgreSQL server with pg_dump: some of test/postgres/backup/pg-archive.test.ts, test/cli/db/backup-pg-dump.test.ts; to run them: apt-get install postgresql";
  expect(skippedForWant("/nowhere")).toEqual([
    ...(serverPrograms() === undefined ? [server] : []),
    "skipped for want of pgbouncer: some of test/postgres/session/pooler.test.ts; to run them: apt-get install pgbouncer",
    "skipped for want of prometheus: some of test/providers/signals/prometheus/{conformance,history,real}.test.ts, test/providers/signals/openmetrics/exposition.test.ts, test/steps/watch/prometheus-dies.test.ts, test/e2e/demo.test.ts; to run them: apt-get install prometheus",
    "skipped for want of networks of one's own (unshare, ip): some of test/server/ssrf.test.ts; to run them: apt-get install util-linux iproute2, where namespaces are not forbidden",
  ]);
});
