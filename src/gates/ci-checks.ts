import * as z from "zod";
import { matchesGlob } from "../lib/glob.ts";
import type { Check } from "../model/scm.ts";
import { shortCommit } from "./git/repository.ts";
import { didNotSay, notThere, ofCommit } from "./scm/of-commit.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

const name = z.string().min(1).max(250);

const schema = z.strictObject({
  names: z
    .array(name)
    .max(100)
    .default([])
    .describe("Checks that must be there and have passed; when empty, all that there are, at least one"),
  ignore: z
    .array(name)
    .max(100)
    .default([])
    .describe("Names or patterns (*) that do not count, as the job in which tminus itself runs"),
});
type With = z.output<typeof schema>;

const SAID = 5;

/** Passes when the checks of exactly the checked-out commit are green. No check at all is not green. */
export const ciChecks = defineGate({
  kind: "ci.checks",
  summary: "Passes when all checks, or those named, have passed on exactly the checked-out commit.",
  requirements: ["B3"],
  schema,
  example: "names: [build, e2e]\n",

  check: (context) =>
    ofCommit(context, async ({ scm, commit }) => {
      const found = await scm.checks(commit, context.signal);
      if (found.state === "unknown") return didNotSay(scm, found.reason);
      if (found.state === "absent") return notThere(scm, commit);
      const { ignore, names } = context.with;
      const looked = found.value.filter(
        (check) =>
          !ignore.some((pattern) => matchesGlob(check.name, pattern)) &&
          (names.length === 0 || names.includes(check.name)),
      );
      const evidence = { commit, checks: looked.map(({ name, state, word }) => ({ name, state, word })) };
      return { ...judge(looked, context.with, shortCommit(commit)), evidence };
    }),
});

function judge(checks: readonly Check[], { names }: With, commit: string): GateVerdict {
  const of = (state: Check["state"]): Check[] => checks.filter((check) => check.state === state);
  const failed = of("failed");
  if (failed.length > 0)
    return {
      verdict: "fail",
      reason: `failed on ${commit}: ${say(failed)}`,
      fix: `look at ${where(failed)}`,
    };
  const missing = names.filter((wanted) => !checks.some((check) => check.name === wanted));
  if (missing.length > 0)
    return unknown(
      `no check ${missing.join(", ")} on ${commit}`,
      "wait until it has begun, or correct its name",
    );
  const pending = of("pending");
  if (pending.length > 0)
    return unknown(
      `${pending.length} of ${checks.length} checks still run on ${commit}: ${say(pending)}`,
      "wait for them, then make the plan again",
    );
  const skipped = of("skipped");
  const passed = of("passed");
  const notRun = names.filter((wanted) => !passed.some((check) => check.name === wanted));
  if (notRun.length > 0)
    return unknown(
      `${notRun.join(", ")} did not look at ${commit}: ${say(skipped)}`,
      "let it run on this commit",
    );
  if (passed.length === 0)
    return unknown(
      checks.length === 0 ? `no check has looked at ${commit}` : `every check of ${commit} was skipped`,
      "see whether the workflow runs for this commit",
    );
  const but = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
  return { verdict: "pass", reason: `${passed.length} passed on ${commit}${but}` };
}

function say(checks: readonly Check[]): string {
  const named = checks.slice(0, SAID).map(({ name, word }) => `${name} (${word})`);
  const more = checks.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function where(checks: readonly Check[]): string {
  return checks.find(({ url }) => url !== undefined)?.url ?? "its log";
}
