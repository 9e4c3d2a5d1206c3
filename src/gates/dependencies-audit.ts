import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";
import { findInside } from "../lib/script-file.ts";
import { durationSchema } from "../model/runbook.ts";
import { exceptionFields, isInForce } from "./accepted.ts";
import { defineGate } from "./define.ts";
import { SEVERITIES, type Advisory } from "./dependencies/advisories.ts";
import { sayNames } from "./say-names.ts";
import type { GateVerdict } from "../model/gate-kind.ts";
import { unknown } from "./unknown.ts";

const acceptedSchema = z.strictObject({
  id: z.string().min(1).describe("Advisory as the gate prints it: GHSA-w9mr-4mfr-499f"),
  package: z.string().min(1).optional().describe("Only in this package; in any when left out"),
  ...exceptionFields,
});

const schema = z.strictObject({
  directory: z.string().min(1).default(".").describe("Folder in the project that has the lockfile"),
  level: z
    .enum(SEVERITIES)
    .default("high")
    .describe("The least severity that does not pass; lesser ones are in the evidence"),
  dependencies: z
    .enum(["all", "production"])
    .default("all")
    .describe("production leaves out what only development needs"),
  accepted: z.array(acceptedSchema).max(200).default([]).describe("Advisories that are known and may stay"),
  timeout: durationSchema
    .default("2m")
    .describe("Time limit of the client; when it is exceeded nothing is known"),
});

type With = z.output<typeof schema>;

const LISTED = 50;

/** Passes when the registry knows no serious advisory about what the lockfile names. */
export const dependenciesAudit = defineGate({
  kind: "dependencies.audit",
  summary:
    "Passes when the registry knows no advisory of high or critical severity about what the lockfile names.",
  requirements: ["B4"],
  notes: [
    "The client that owns the lockfile asks: npm, pnpm or yarn, which must be on the PATH. Only its JSON tells whether it was answered: a registry that cannot be reached or refuses makes it end with the same exit code as a vulnerability. The verdict then is that it could not be found out.",
  ],
  schema,
  example:
    "level: high\naccepted:\n  - id: GHSA-w9mr-4mfr-499f\n    reason: only the build uses it, on text of our own\n    until: 2027-06-30\n",

  async check(context): Promise<GateVerdict> {
    const { lockfilesIn } = await import("./dependencies/find-lockfile.ts");
    const { askClient, auditCommands } = await import("./dependencies/client.ts");
    const { readAudit } = await import("./dependencies/advisories.ts");
    const { directory, dependencies, timeout } = context.with;
    const folder = findInside(context.projectDirectory, directory);
    if (folder.state === "refused") return unknown(folder.reason, "name a folder inside the project");
    const [lockfile, other] = lockfilesIn(folder.file);
    if (lockfile === undefined) return unknown(`${directory} has no lockfile`, "commit a lockfile");
    if (other !== undefined)
      return unknown(`${directory} has both ${lockfile.name} and ${other.name}`, "keep one lockfile");
    const argv = auditCommands[lockfile.manager](dependencies);
    context.progress(`runs ${argv.join(" ")}`);
    const asked = await askClient(context, argv, folder.file, parseDuration(timeout)!);
    if (asked.state === "silent") return unknown(asked.reason, `run ${argv.join(" ")} by hand`);
    const answer = readAudit(lockfile.manager, asked);
    if (answer.state === "silent")
      return unknown(
        context.redact(`no answer about advisories: ${answer.reason}`),
        "give it a registry that answers audits, or look at the advisories elsewhere",
      );
    return judge(answer.advisories, context.with, context.clock.now());
  },
});

function judge(advisories: readonly Advisory[], { level, accepted }: With, now: Date): GateVerdict {
  const serious = advisories.filter(
    ({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(level),
  );
  const fits = (one: Advisory): With["accepted"] =>
    accepted.filter(({ id, package: name }) => id === one.id && (name === undefined || name === one.package));
  const stays = serious.filter((one) => fits(one).some((entry) => isInForce(entry, now)));
  const open = serious.filter((one) => !stays.includes(one));
  const ended = open.filter((one) => fits(one).length > 0);
  const evidence = {
    open: open.slice(0, LISTED).map((one) => ({ ...one })),
    endedExceptions: ended.map(({ id }) => id),
    accepted: stays.map(
      (one) => `${sayAdvisory(one)}: ${fits(one).find((entry) => isInForce(entry, now))!.reason}`,
    ),
    below: advisories
      .filter((one) => !serious.includes(one))
      .slice(0, LISTED)
      .map(sayAdvisory),
  };
  if (open.length > 0)
    return {
      verdict: "fail",
      reason: `${open.length === 1 ? "1 advisory" : `${open.length} advisories`}${ended.length === 0 ? "" : ` (the exception of ${ended.length} has ended)`}: ${sayNames(open.map(sayAdvisory))}`,
      evidence,
      fix: "raise the package, or accept the advisory with a reason and a last day",
    };
  const but = stays.length === 0 ? "" : `, but ${stays.length} that may stay`;
  return { verdict: "pass", reason: `no advisory of severity ${level} or more${but}`, evidence };
}

function sayAdvisory({ id, package: name, severity }: Advisory): string {
  return `${name} (${severity}, ${id})`;
}
