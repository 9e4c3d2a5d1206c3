import { githubToken } from "../../support/made-up-secrets.ts";
import { describeChecklist } from "./describe-checklist.ts";
import {
  IRREVERSIBLE,
  changedSinceStaging,
  failedCheck,
  failingTest,
  refusedMigration,
  notApproved,
  unbuildable,
  uncommittedMigration,
} from "./variants.ts";

const INITIAL = "releases/v2/migrations/20260105090000_initial.sql";

describeChecklist(
  { checklist: "mano", production: "schema" },
  {
    reviewed: notApproved(1),
    "checks-green": failedCheck("build"),
    tests: failingTest("unit"),
    build: unbuildable("on-staging"),
    "migrations-included": uncommittedMigration("on-staging"),
    "migrations-tried": refusedMigration(IRREVERSIBLE, /refused: .*there is no down section/, "on-staging"),
    "migrations-unchanged": {
      breaks: (world) => world.commit({ [INITIAL]: `${world.read(INITIAL)}-- edited\n` }),
      reason: /^exit code 3: /,
      output: /20260105090000/,
      also: ["on-staging"],
    },
    "no-secrets": {
      async breaks(world) {
        await world.commit({ "scripts/token.txt": `${githubToken}\n` });
        await world.commit({ "scripts/token.txt": "no longer here\n" });
      },
      reason: /^1 secret: scripts\/token\.txt:1:1 .* in commit \w+$/,
    },
    "branch-flow": {
      breaks: async (world) => void (await world.git.git(["switch", "-q", "-c", "feature/basket"])),
      reason: /^feature\/basket may not reach production: only main, staging, hotfix\/\*$/,
    },
    "up-to-date": {
      breaks: async (world) => void (await world.git.commitElsewhere("main")),
      reason: /^main of origin is at \w+, which is not here$/,
    },
    "on-staging": changedSinceStaging(),
    "staging-answers": {
      breaks: (world) => world.openDatabase("staging", false),
      reason: /\/health answered 503$/,
      repairs: (world) => world.openDatabase("staging", true),
    },
  },
);
