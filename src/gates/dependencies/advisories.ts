import * as z from "zod";
import type { Manager } from "./find-lockfile.ts";

/** Rising. */
export const SEVERITIES = ["info", "low", "moderate", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Advisory {
  /** As the database of advisories names it: "GHSA-w9mr-4mfr-499f". */
  id: string;
  package: string;
  severity: Severity;
  title: string;
  url: string;
}

/** What a client found out, or why it found out nothing: its exit code does not tell the two apart. */
export type AuditAnswer = { state: "answered"; advisories: Advisory[] } | { state: "silent"; reason: string };

export interface ClientOutput {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const severitySchema = z.enum(SEVERITIES);

const npmSchema = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      via: z.array(
        z.union([
          z.string(),
          z.object({
            source: z.unknown(),
            name: z.string(),
            title: z.string(),
            url: z.string(),
            severity: severitySchema,
          }),
        ]),
      ),
    }),
  ),
});

const oldAdvisorySchema = z.object({
  id: z.union([z.number(), z.string()]),
  module_name: z.string(),
  severity: severitySchema,
  title: z.string(),
  url: z.string(),
});
const pnpmSchema = z.object({
  advisories: z.record(z.string(), oldAdvisorySchema),
  metadata: z.object({ vulnerabilities: z.record(z.string(), z.number()) }),
});
const yarnLineSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("auditAdvisory"), data: z.object({ advisory: oldAdvisorySchema }) }),
  z.object({
    type: z.literal("auditSummary"),
    data: z.object({ vulnerabilities: z.record(z.string(), z.number()) }),
  }),
]);
const berrySchema = z.object({
  value: z.string(),
  children: z.object({
    ID: z.union([z.number(), z.string()]),
    Issue: z.string(),
    URL: z.string().default(""),
    Severity: severitySchema,
  }),
});
const errorSchema = z.object({
  message: z.string().optional(),
  error: z
    .object({ code: z.string().optional(), summary: z.string().optional(), message: z.string().optional() })
    .optional(),
});

/** Reads what an audit printed in the form of its client. Pure. */
export function readAudit(manager: Manager, output: ClientOutput): AuditAnswer {
  switch (manager) {
    case "npm":
      return readOne(output, npmSchema, ({ vulnerabilities }) =>
        Object.values(vulnerabilities).flatMap(({ via }) =>
          via.flatMap((found) =>
            typeof found === "string" ? [] : [advisory(found.source, found.name, found.severity, found)],
          ),
        ),
      );
    case "pnpm":
      return readOne(output, pnpmSchema, ({ advisories }) => Object.values(advisories).map(ofOldForm));
    case "yarn":
      return readYarn(output);
    case "berry":
      return readBerry(output);
  }
}

/** Version 1 ends with a summary when it was answered. */
function readYarn(output: ClientOutput): AuditAnswer {
  const lines = jsonLines(output.stdout).flatMap((line) => yarnLineSchema.safeParse(line).data ?? []);
  if (!lines.some(({ type }) => type === "auditSummary")) return notUnderstood(output);
  const advisories = lines.flatMap((line) =>
    line.type === "auditAdvisory" ? [ofOldForm(line.data.advisory)] : [],
  );
  return { state: "answered", advisories: unique(advisories) };
}

/** One line for each advisory; without any it prints nothing and ends with 0. */
function readBerry(output: ClientOutput): AuditAnswer {
  const parsed = z.array(berrySchema).safeParse(jsonLines(output.stdout));
  if (!parsed.success || (parsed.data.length === 0 && output.exitCode !== 0)) return notUnderstood(output);
  const advisories = parsed.data.map(({ value, children }) =>
    advisory(children.ID, value, children.Severity, { title: children.Issue, url: children.URL }),
  );
  return { state: "answered", advisories: unique(advisories) };
}

function readOne<Answer>(
  output: ClientOutput,
  schema: z.ZodType<Answer>,
  read: (answer: Answer) => Advisory[],
): AuditAnswer {
  const parsed = schema.safeParse(jsonOf(output.stdout));
  return parsed.success
    ? { state: "answered", advisories: unique(read(parsed.data)) }
    : notUnderstood(output);
}

function notUnderstood({ exitCode, stdout, stderr }: ClientOutput): AuditAnswer {
  const { message, error } = errorSchema.safeParse(jsonOf(stdout)).data ?? {};
  const printed = stderr.split("\n").find((line) => /error/i.test(line)) ?? stderr.split("\n", 1)[0];
  const said = message ?? error?.message ?? error?.summary ?? error?.code ?? printed ?? "";
  return {
    state: "silent",
    reason: `${said === "" ? "it printed no answer" : said} (exit code ${exitCode})`,
  };
}

function ofOldForm({
  id,
  module_name: name,
  severity,
  ...words
}: z.output<typeof oldAdvisorySchema>): Advisory {
  return advisory(id, name, severity, words);
}

function advisory(
  id: unknown,
  name: string,
  severity: Severity,
  { title, url }: { title: string; url: string },
): Advisory {
  const named = /GHSA(-[0-9a-z]{4}){3}/.exec(url)?.[0];
  return { id: named ?? String(id), package: name, severity, title, url };
}

function unique(advisories: readonly Advisory[]): Advisory[] {
  return [...new Map(advisories.map((one) => [`${one.id} ${one.package}`, one])).values()];
}

function jsonLines(text: string): unknown[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [jsonOf(line)]));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which no schema takes for an answer
  }
}
