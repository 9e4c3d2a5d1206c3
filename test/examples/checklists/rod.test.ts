import { describeChecklist } from "./describe-checklist.ts";
import {
  advisory,
  backupGone,
  changedSinceStaging,
  failedCheck,
  failingTest,
  secretInTree,
  strayTable,
  readableByVisitors,
  refusedMigration,
  trackerRefuses,
  variableMissing,
  wrongCode,
  wrongFormat,
} from "./variants.ts";

const rewriting = refusedMigration(
  "-- tminus: up\nalter table products alter column stock type bigint;\n-- tminus: down\nalter table products alter column stock type integer;\n",
  /refused: all files take about .*, more than 5m 00s/,
  "tested-in-staging",
);

describeChecklist(
  { checklist: "rod", production: "serves", rehearsed: true },
  {
    "main-checks": failedCheck("build"),
    danger: failedCheck("danger"),
    tests: failingTest("unit"),
    lint: wrongCode,
    format: wrongFormat,
    secrets: secretInTree,
    "docs-policy": {
      breaks: (world) =>
        world.commit({ "README.md": `${world.read("README.md")}\nSee [how](docs/gone.md).\n` }),
      reason: /^exit code 1: README\.md points to docs\/gone\.md, which is not there$/,
    },
    "tested-in-staging": changedSinceStaging(),
    "row-security": readableByVisitors,
    backup: backupGone,
    "migration-time": {
      ...rewriting,
      async breaks(world) {
        await rewriting.breaks(world);
        // As the statistics of a shop with very many products have it.
        await world.sql("production", "update pg_class set reltuples = 4e9 where relname = 'products'");
      },
      repairs: (world) => world.sql("production", "analyze products"),
    },
    variables: variableMissing,
    "secret-age": {
      breaks: (world) =>
        world.commit({ "credentials.yaml": "- name: DATABASE_URL\n  rotated: 2020-01-01\n" }),
      reason: /^too old: DATABASE_URL \(\d+ days, 90 allowed\)$/,
    },
    "no-env-file": {
      breaks: (world) => world.commit({ ".env.production": "DEBUG=1\n" }),
      reason: /^tracked by git: \.env\.production$/,
    },
    lockfile: {
      breaks: (world) =>
        world.commit({ "package.json": world.read("package.json").replace('"pg":', '"ms": "2.1.3", "pg":') }),
      reason: /^package-lock\.json does not fit: /,
    },
    advisories: advisory,
    "error-tracking": trackerRefuses,
    drift: strayTable,
    health: {
      breaks: (world) => world.openDatabase("production", false),
      reason: /\/health answered 503$/,
      also: ["drift"],
      repairs: (world) => world.openDatabase("production", true),
    },
    // The last one: nothing is started again.
    performance: {
      breaks: (world) => world.stopServing(),
      verdict: "unknown",
      reason: /^edge: /,
      also: ["health"],
    },
  },
);
