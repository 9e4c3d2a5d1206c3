import * as z from "zod";
import { durationSchema } from "../model/runbook.ts";
import { defineGate } from "./define.ts";
import { readListFile } from "./list-file.ts";
import { sayNames } from "./say-names.ts";
import { agesOf, credentialSchema, type CredentialAge } from "./secrets/credentials.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

const schema = z.strictObject({
  file: z
    .string()
    .min(1)
    .default("credentials.yaml")
    .describe("YAML file in the project that lists the credentials: name, rotated and more, never a value"),
  maxAge: durationSchema.default("90d").describe("How old a credential may become"),
});

/** Passes when every credential that the project lists was replaced lately. */
export const secretsAge = defineGate({
  kind: "secrets.age",
  summary: "Passes when no listed credential is older than it may be.",
  requirements: ["A6"],
  notes: [
    "The file is a list that people keep. It never holds a value:",
    "```yaml\n- name: SUPABASE_SERVICE_ROLE_KEY\n  reference: env:SUPABASE_SERVICE_ROLE_KEY\n  rotated: 2026-09-01\n  howToRotate: Supabase, project settings, API keys; then set it in Vercel\n  howToVerify: sign in on staging; the old key answers 401\n- name: VERCEL_TOKEN\n  rotated: 2026-10-12\n  maxAge: 30d\n```",
    "A credential without `rotated`, or with a day in the future, leaves the gate undecided. That a credential is not in the list is not noticed; the evidence names the variables of the environment that it does not have.",
  ],
  schema,
  example: "file: credentials.yaml\nmaxAge: 90d\n",

  async check(context): Promise<GateVerdict> {
    const list = readListFile(context.projectDirectory, context.with.file, credentialSchema);
    if (list.state === "unreadable")
      return { verdict: "unknown", reason: list.reason, fix: "list the credentials in that file" };
    const credentials = list.items.map(({ value }) => value);
    const ages = agesOf(credentials, context.with.maxAge, context.clock.now());
    const old = ages.filter(({ state }) => state === "old");
    const unknown = ages.filter(({ state }) => state === "unknown");
    const evidence = {
      ages: ages.map(({ name, ageDays, maxAgeDays }) => ({ name, ageDays: ageDays ?? null, maxAgeDays })),
      notListed: notListed(context.environment.variables, credentials),
    };
    if (old.length > 0)
      return {
        verdict: "fail",
        reason: `too old: ${sayNames(old.map(sayAge))}`,
        evidence,
        fix: "replace the credential: tminus secrets rotate <name>",
      };
    if (unknown.length > 0)
      return {
        verdict: "unknown",
        reason: `nobody knows how old ${sayNames(unknown.map(({ name }) => name))} is`,
        evidence,
        fix: "write the day into rotated, or replace the credential today",
      };
    if (ages.length === 0)
      return {
        verdict: "unknown",
        reason: `${context.with.file} lists nothing`,
        fix: "list the credentials in it",
      };
    return { verdict: "pass", reason: `${ages.length} credentials are young enough`, evidence };
  },
});

function notListed(
  variables: Record<string, string>,
  credentials: readonly { name: string; reference?: string | undefined }[],
): string[] {
  return Object.entries(variables).flatMap(([name, reference]) =>
    credentials.some((one) => one.name === name || one.reference === reference) ? [] : [name],
  );
}

function sayAge({ name, ageDays, maxAgeDays }: CredentialAge): string {
  return `${name} (${ageDays} days, ${maxAgeDays} allowed)`;
}
