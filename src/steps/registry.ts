import type { StepKind } from "../model/step-kind.ts";
import { appDeploy } from "./app-deploy.ts";
import { appRehearseRollback } from "./app-rehearse-rollback.ts";
import { appShift } from "./app-shift.ts";
import { approve } from "./approve.ts";
import { checklist } from "./checklist.ts";
import { command } from "./command.ts";
import { dbBackup } from "./db-backup.ts";
import { dbContract } from "./db-contract.ts";
import { dbBackfill } from "./db-backfill.ts";
import { dbLint } from "./db-lint.ts";
import { dbMigrate } from "./db-migrate.ts";
import { dbReadonly } from "./db-readonly.ts";
import { dbRls } from "./db-rls.ts";
import { dbVerify } from "./db-verify.ts";
import { dbRehearse } from "./db-rehearse.ts";
import { dbWatch } from "./db-watch.ts";
import { notify } from "./notify.ts";
import { signOff } from "./sign-off.ts";
import { smoke } from "./smoke.ts";
import { wait } from "./wait.ts";
import { watch } from "./watch.ts";

/** Every step kind that a runbook may name. A new kind adds its line. */
export const stepKinds: Readonly<Record<string, StepKind>> = {
  "app.deploy": appDeploy,
  "app.rehearse-rollback": appRehearseRollback,
  "app.shift": appShift,
  approve,
  checklist,
  command,
  "db.backup": dbBackup,
  "db.contract": dbContract,
  "db.backfill": dbBackfill,
  "db.lint": dbLint,
  "db.migrate": dbMigrate,
  "db.readonly": dbReadonly,
  "db.rls": dbRls,
  "db.verify": dbVerify,
  "db.rehearse": dbRehearse,
  "db.watch": dbWatch,
  notify,
  "sign-off": signOff,
  smoke,
  wait,
  watch,
};
