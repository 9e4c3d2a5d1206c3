import { describeChecklist } from "./describe-checklist.ts";
import {
  backupGone,
  changedSinceStaging,
  failingTest,
  notApproved,
  secretInTree,
  strayTable,
  unbuildable,
  uncommittedMigration,
  variableMissing,
  wrongCode,
  wrongTypes,
} from "./variants.ts";

describeChecklist(
  { checklist: "sop", production: "schema" },
  {
    typecheck: wrongTypes,
    lint: wrongCode,
    build: unbuildable("on-staging"),
    tests: failingTest("unit"),
    "migrations-committed": uncommittedMigration("nothing-uncommitted", "on-staging"),
    "nothing-uncommitted": {
      breaks: (world) => world.git.write("notes.txt", "not for git yet\n"),
      reason: /^uncommitted: notes\.txt/,
    },
    pushed: {
      breaks: (world) => world.commitHere(),
      reason: /^1 commit not pushed to staging of origin$/,
    },
    reviewed: notApproved(1),
    "no-secret-in-code": secretInTree,
    variables: variableMissing,
    "on-staging": changedSinceStaging(),
    "staging-smoke": {
      breaks: (world) => world.openDatabase("staging", false),
      reason: /^exit code 1: \/api\/products answered 503$/,
      repairs: (world) => world.openDatabase("staging", true),
    },
    backup: backupGone,
    schema: strayTable,
  },
);
