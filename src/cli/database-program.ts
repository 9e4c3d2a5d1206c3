import type { Command } from "commander";
import { declareArchive } from "./database/archive.ts";
import { declareBackfill } from "./database/backfill.ts";
import { declareBackup } from "./database/backup.ts";
import { declareDiagnose } from "./database/diagnose.ts";
import { declareDrift } from "./database/drift.ts";
import { declareLint } from "./database/lint.ts";
import { declareReadonly } from "./database/readonly.ts";
import { declareRehearse } from "./database/rehearse.ts";
import { declareRls } from "./database/rls.ts";
import { declareStatus } from "./database/status.ts";
import { declareUndoCost } from "./database/undo-cost.ts";
import type { Run } from "./declare.ts";

/** The verbs of `tminus db`, each declared in its own file in database/. A new verb adds its line. */
const VERBS: readonly ((database: Command, run: Run) => void)[] = [
  declareStatus,
  declareDiagnose,
  declareDrift,
  declareLint,
  declareRehearse,
  declareBackfill,
  declareBackup,
  declareReadonly,
  declareRls,
  declareUndoCost,
  declareArchive,
];

/** Everything about the environment's database that can be done without a run. */
export function addDatabase(program: Command, run: Run): void {
  const database = program
    .command("db")
    .description("look at and look after the environment's database, without a run");
  for (const declare of VERBS) declare(database, run);
}
