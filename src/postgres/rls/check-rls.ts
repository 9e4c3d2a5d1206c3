import { fingerprintOf, readFingerprint, type Fingerprint } from "../drift/fingerprint.ts";
import { readRecorded } from "../drift/recorded.ts";
import { openSession, readOnly, type Session } from "../session/connect.ts";
import { checkStructure, type RlsFinding } from "./check-structure.ts";
import { accessChanges, type AccessChange } from "./policy-changes.ts";
import { probeTables, type ProbePlan, type ProbeResult } from "./probe.ts";

export interface RlsOptions {
  connectionString: string;
  plan: ProbePlan;
  /** Findings that are known and meant, as findingName and probeName tell them. */
  accept: readonly string[];
  widening: "report" | "fail";
  signal: AbortSignal;
  progress: (text: string) => void;
}

export interface RlsReport {
  /** unknown: nothing was found, but not everything could be tried. */
  verdict: "pass" | "fail" | "unknown";
  reason: string;
  findings: RlsFinding[];
  probes: ProbeResult[];
  /** Since db.verify last recorded the schema; undefined when it never did. */
  changes: AccessChange[] | undefined;
}

const STATEMENT_TIMEOUT_MS = 10_000;
const MAX_NAMED = 5;

/**
 * Looks at row security from two sides: what the catalog says, and what each identity really gets. Whatever the
 * probes write is rolled back. Errors: DATABASE_POOLED, DATABASE_UNREACHABLE.
 */
export async function checkRls(options: RlsOptions): Promise<RlsReport> {
  const { connectionString, plan, signal, progress } = options;
  const session = { connectionString, purpose: "rls", statementTimeoutMs: STATEMENT_TIMEOUT_MS, signal };
  const roles = [plan.identities.anonymous?.role, plan.identities.authenticated?.role].filter(
    (role) => role !== undefined,
  );
  progress("reading policies and grants");
  const { findings, changes } = await readOnly(session, async (reading) => ({
    findings: await checkStructure(reading, { schemas: plan.schemas, roles }),
    changes: await changesSince(reading, plan.schemas),
  }));
  progress("asking as each identity");
  await using probing = await openSession({ ...session, direct: true });
  const probes = await probeTables(probing, plan);
  return { ...conclude(options, { findings, probes, changes }), findings, probes, changes };
}

/** "policy-always-true public.votes.cast". */
export function findingName({ id, object }: RlsFinding): string {
  return `${id} ${object}`;
}

/** "anonymous insert public.leads". */
export function probeName({ identity, verb, table }: ProbeResult): string {
  return `${identity} ${verb} ${table}`;
}

/** In the exposed schemas: what db.verify was told to leave out elsewhere was not gained by anybody. */
async function changesSince(
  session: Session,
  schemas: readonly string[],
): Promise<AccessChange[] | undefined> {
  const recorded = await readRecorded(session);
  if (recorded === undefined) return undefined;
  const rows = await session.query<{ name: string }>(
    "select quote_ident(name) as name from unnest($1::text[]) name",
    [schemas],
  );
  const within = (fingerprint: Fingerprint): Fingerprint =>
    fingerprintOf(
      fingerprint.serverVersion,
      fingerprint.objects.filter(({ identity }) => rows.some(({ name }) => isWithin(identity, name))),
    );
  return accessChanges(within(recorded.fingerprint), within(await readFingerprint(session)));
}

/** Identities begin with the schema; those of grants with a word before it: "table public.users", "schema public". */
function isWithin(identity: string, schema: string): boolean {
  const target = identity.replace(/^(table|sequence|routine|type|schema) /, "");
  return target === schema || target.startsWith(`${schema}.`);
}

function conclude(
  { accept, widening }: RlsOptions,
  { findings, probes, changes }: Pick<RlsReport, "findings" | "probes" | "changes">,
): Pick<RlsReport, "verdict" | "reason"> {
  const leaks = probes.filter((probe) => probe.outcome === "leak" && !accept.includes(probeName(probe)));
  const wrong = findings.filter(
    (finding) => finding.level === "fail" && !accept.includes(findingName(finding)),
  );
  const gained = widening === "fail" ? (changes ?? []).filter(({ change }) => change === "gained") : [];
  const said = [
    ...leaks.map((probe) => `${probeName(probe)}: ${probe.reason}`),
    ...wrong.map((finding) => `${finding.object}: ${finding.title} (${finding.detail})`),
    ...gained.map(({ role, what }) => `${role} gained ${what}`),
  ];
  if (said.length > 0)
    return { verdict: "fail", reason: listed(`${count(said.length, "hole")} in row security`, said) };
  const unknown = probes.filter((probe) => probe.outcome === "unknown" && !accept.includes(probeName(probe)));
  if (unknown.length > 0) {
    const why = unknown.map((probe) => `${probeName(probe)}: ${probe.reason}`);
    return {
      verdict: "unknown",
      reason: listed(`${count(unknown.length, "probe")} could not be carried out`, why),
    };
  }
  if (probes.length === 0)
    return { verdict: "unknown", reason: "there is no table or view in the exposed schemas" };
  return { verdict: "pass", reason: `${count(probes.length, "probe")} were refused or allowed as expected` };
}

function listed(title: string, lines: readonly string[]): string {
  const more = lines.length - MAX_NAMED;
  return `${title}: ${lines.slice(0, MAX_NAMED).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
