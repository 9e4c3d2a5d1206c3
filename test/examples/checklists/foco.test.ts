import { describe } from "vitest";
import { run } from "../../../src/lib/process.ts";
import { describeChecklist } from "./describe-checklist.ts";
import {
  advisory,
  backupGone,
  changedSinceStaging,
  failingTest,
  trackerRefuses,
  unbuildable,
  variableMissing,
  wrongCode,
  wrongTypes,
} from "./variants.ts";

const signs = (await run(["ssh-keygen", "-?"], { timeoutMs: 10_000 })).startError === undefined;

describe.skipIf(!signs)("with keys of ssh", () => {
  describeChecklist(
    { checklist: "foco", production: "schema", signed: true },
    {
      lint: wrongCode,
      unit: failingTest("unit"),
      integration: failingTest("integration"),
      e2e: failingTest("e2e"),
      build: unbuildable("migrated-staging"),
      types: wrongTypes,
      audit: advisory,
      signed: {
        breaks: (world) => world.commitHere(),
        reason: /^\w{10} is not signed$/,
      },
      benchmarks: {
        breaks: (world) => world.commit({ "scripts/bench.json": '{ "limitMs": 0 }\n' }),
        reason: /^exit code 1: the slowest answer took longer than 0 ms$/,
      },
      "migrated-staging": changedSinceStaging(),
      alerting: trackerRefuses,
      backup: backupGone,
      variables: variableMissing,
    },
  );
});
