import { rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describeChecklist } from "./describe-checklist.ts";
import { CDN_HEADERS } from "./front.ts";
import {
  IRREVERSIBLE,
  advisory,
  backupGone,
  changedSinceStaging,
  failedCheck,
  failingTest,
  notApproved,
  readableByVisitors,
  refusedMigration,
  trackerRefuses,
  variableMissing,
  wrongCode,
  wrongFormat,
  wrongTypes,
} from "./variants.ts";

let squatter: Server;

describeChecklist(
  { checklist: "ops", production: "schema" },
  {
    "unit-tests": failingTest("unit"),
    "integration-tests": failingTest("integration"),
    "e2e-tests": failingTest("e2e"),
    lint: wrongCode,
    format: wrongFormat,
    types: wrongTypes,
    "two-reviewers": notApproved(2),
    "status-checks": failedCheck("build"),
    vulnerabilities: advisory,
    bundle: {
      breaks: (world) => world.git.write("dist/v2/more.js", "x".repeat(40_000)),
      reason: /^\*\.js has [\d.]+ kB, 40 kB allowed$/,
      repairs: (world) => rmSync(join(world.git.directory, "dist/v2/more.js")),
    },
    "migrations-on-staging": changedSinceStaging(),
    compatible: refusedMigration(
      "-- tminus: up\nalter table products drop column stock;\n-- tminus: down\nselect 1;\n",
      /block +the running release fails when it names products\.stock/,
      "migrations-on-staging",
    ),
    "nothing-lost": refusedMigration(
      IRREVERSIBLE,
      /refused: .*there is no down section/,
      "migrations-on-staging",
    ),
    "row-security": readableByVisitors,
    backup: backupGone,
    deployer: {
      async breaks(world) {
        squatter = createServer();
        await new Promise<void>((done) => squatter.listen(world.ports.production, "127.0.0.1", () => done()));
      },
      reason: /^the local target: another program listens on port \d+$/,
      repairs: () => new Promise<void>((done) => squatter.close(() => done())),
    },
    variables: variableMissing,
    certificate: {
      breaks: (world) => world.front.showCertificate(3),
      reason: /: valid only until .*, 3 days; 21 are wanted$/,
      repairs: (world) => world.front.showCertificate(90),
    },
    cdn: {
      breaks: (world) =>
        world.front.answerWith({ ...CDN_HEADERS, "cache-control": "no-store", "x-powered-by": "shop" }),
      reason: /cache-control is "no-store", not "\*immutable\*", has x-powered-by$/,
      repairs: (world) => world.front.answerWith(CDN_HEADERS),
    },
    monitoring: trackerRefuses,
    "change-log": {
      breaks: (world) =>
        world.commit({ "CHANGELOG.md": world.read("CHANGELOG.md").replace("## v2", "## next") }),
      reason: /^exit code 1$/,
    },
  },
);
