import { expect, it } from "vitest";
import { skippedForWant } from "./support/optional-programs.ts";

it("names the tests that a missing program skips, and the command that brings it", () => {
  expect(skippedForWant("/nowhere")).toEqual([
    "skipped for want of pg_dump: some of test/postgres/backup/pg-archive.test.ts; to run them: apt-get install postgresql",
    "skipped for want of pgbouncer: some of test/postgres/session/pooler.test.ts; to run them: apt-get install pgbouncer",
  ]);
});
