import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import * as z from "zod";
import { TminusError } from "../../errors.ts";
import { referenceSchema } from "../../model/runbook.ts";
import { controlsTransaction } from "../migrations/check-statement.ts";
import { splitStatements } from "../sql/statements.ts";
import type { ProbePlan } from "./probe.ts";
import { probeVerbs } from "./verbs.ts";

const name = z.string().min(1).max(200);
const verbs = z.array(z.enum(probeVerbs)).max(4).default([]);

const identity = z.strictObject({
  role: name.describe("Database role that the requests run as"),
  claims: z
    .record(name, z.json())
    .default({})
    .describe("Claims of the token, given as request.jwt.claims: {sub: <id of a user>}"),
  set: z.record(name, z.string()).default({}).describe("Settings instead of claims: {app.tenant: acme}"),
});

const tenant = identity.extend({
  tenant: z
    .union([z.string().min(1), z.int()])
    .transform(String)
    .describe("Value of the tenant column that is this user's own"),
});

const table = z.strictObject({
  tenantColumn: name.optional().describe("Column that says whose a row is"),
  public: verbs.describe("What anybody may do with any row: [select]"),
  members: verbs.describe("What anybody who is signed in may do with any row"),
});

/** A user that exists nowhere, so that a policy that only asks whether somebody is signed in is found out. */
const NOBODY = "00000000-0000-4000-8000-000000000000";

/** What the step db.rls and the command let a person say. */
export const rlsSettings = z.strictObject({
  schemas: z
    .array(name)
    .min(1)
    .max(50)
    .default(["public"])
    .describe("Schemas that are open to people from outside"),
  anonymous: identity
    .prefault({ role: "anon" })
    .describe("Somebody who is not signed in: role anon when left out"),
  authenticated: identity
    .prefault({ role: "authenticated", claims: { sub: NOBODY } })
    .describe("Somebody who is signed in and belongs to no tenant: role authenticated when left out"),
  tenantA: tenant.optional().describe("A user of one tenant; needed where there are tenant columns"),
  tenantB: tenant.optional().describe("A user of another tenant"),
  tenantColumn: name.optional().describe("Column that says whose a row is, in every table that has it"),
  tables: z
    .record(name, table)
    .default({})
    .describe("What is expected of single tables: {invoices: {tenantColumn: workspace_id}}"),
  fixture: z
    .string()
    .min(1)
    .optional()
    .describe("SQL file, from the project folder, that makes rows to try with; rolled back"),
  accept: z
    .array(name)
    .max(200)
    .default([])
    .describe(
      'Findings that are known and meant: "policy-always-true public.votes.cast", "anonymous insert public.leads"',
    ),
  widening: z
    .enum(["report", "fail"])
    .default("report")
    .describe("What to do when a role gained rights since db.verify last recorded the schema"),
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
});

export type RlsSettings = z.output<typeof rlsSettings>;

/** Reads the fixture. Errors: RUNBOOK_INVALID when it could not be rolled back; what reading a file throws. */
export async function probePlanOf(settings: RlsSettings, projectDirectory: string): Promise<ProbePlan> {
  const { schemas, anonymous, authenticated, tenantA, tenantB, tenantColumn, tables, fixture } = settings;
  return {
    schemas,
    identities: {
      anonymous,
      authenticated,
      ...(tenantA === undefined ? {} : { tenantA }),
      ...(tenantB === undefined ? {} : { tenantB }),
    },
    tenantColumn,
    tables,
    fixture: fixture === undefined ? undefined : await readFixture(fixture, projectDirectory),
  };
}

/** A COMMIT in it would leave its rows in the database, once for every table and identity. */
async function readFixture(file: string, projectDirectory: string): Promise<string> {
  const text = await readFile(resolve(projectDirectory, file), "utf8");
  const { statements, problem } = splitStatements(text);
  const control = statements.find(controlsTransaction);
  const wrong =
    control === undefined
      ? problem
      : { ...control, text: `${control.code} would keep it from being rolled back` };
  if (wrong === undefined) return text;
  throw new TminusError("RUNBOOK_INVALID", `${file}:${wrong.line}:${wrong.column}: ${wrong.text}`, {
    hint: "Leave only statements that make rows: the fixture runs in a transaction that is rolled back.",
  });
}
