import { sqlStateOf, type Session } from "../session/connect.ts";
import { become, type Identity } from "./identity.ts";
import { listTables, pickSamples, type ProbedTable } from "./probe-table.ts";
import { probeVerbs, tryVerb, type ProbeVerb } from "./verbs.ts";

export const identityNames = ["anonymous", "authenticated", "tenantA", "tenantB"] as const;
export type IdentityName = (typeof identityNames)[number];

export interface ProbePlan {
  schemas: readonly string[];
  identities: Partial<Record<IdentityName, Identity>>;
  /** Whose rows: for tables that `tables` says nothing about. */
  tenantColumn: string | undefined;
  tables: Readonly<Record<string, TableExpectation>>;
  /** SQL that makes rows to try with; rolled back with everything else. */
  fixture: string | undefined;
}

export interface TableExpectation {
  tenantColumn?: string | undefined;
  /** What anybody may do. */
  public: readonly ProbeVerb[];
  /** What anybody who is signed in may do. */
  members: readonly ProbeVerb[];
}

export interface ProbeResult {
  table: string;
  identity: IdentityName;
  verb: ProbeVerb;
  /** allowed: the settings let it. undeclared: it got through, and nobody said whether it may. */
  outcome: "refused" | "leak" | "unknown" | "allowed" | "undeclared";
  reason: string;
}

/**
 * Asks the database as each identity for rows of others, and tries to write them, table by table. Everything is
 * rolled back; what no transaction can take back stays: sequences move on, and triggers may have reached outside.
 * Errors: DATABASE_UNREACHABLE.
 */
export async function probeTables(session: Session, plan: ProbePlan): Promise<ProbeResult[]> {
  const tables = await listTables(session, plan.schemas, (name, columns) => {
    const wanted = expectationOf(plan, name).tenantColumn ?? plan.tenantColumn;
    return wanted !== undefined && columns.includes(wanted) ? wanted : undefined;
  });
  const results: ProbeResult[] = [...missingTables(plan, tables)];
  for (const table of tables)
    for (const identity of identityNames) results.push(...(await probeOne(session, plan, table, identity)));
  return results;
}

async function probeOne(
  session: Session,
  plan: ProbePlan,
  table: ProbedTable,
  name: IdentityName,
): Promise<ProbeResult[]> {
  const verbs = table.isView ? probeVerbs.slice(0, 1) : probeVerbs;
  const isTenant = name === "tenantA" || name === "tenantB";
  if (isTenant && table.tenantColumn === undefined) return [];
  const identity = plan.identities[name];
  const other = plan.identities[name === "tenantA" ? "tenantB" : "tenantA"];
  const say = (verb: ProbeVerb, outcome: ProbeResult["outcome"], reason: string): ProbeResult => ({
    table: table.name,
    identity: name,
    verb,
    outcome,
    reason,
  });
  const unknown = (reason: string): ProbeResult[] => verbs.map((verb) => say(verb, "unknown", reason));
  if (identity === undefined || (isTenant && (identity.tenant === undefined || other?.tenant === undefined)))
    return unknown(`the settings do not say who ${name} is${isTenant ? " and which tenant is its own" : ""}`);

  await session.query("begin");
  try {
    await session.query("set local lock_timeout = '1s'");
    if (plan.fixture !== undefined) await session.query(plan.fixture);
    const tenants = isTenant ? { own: identity.tenant!, foreign: other!.tenant! } : undefined;
    const samples = await pickSamples(session, table, {
      own: tenants?.own,
      foreign: tenants?.foreign,
    });
    await become(session, identity);
    const results: ProbeResult[] = [];
    for (const verb of verbs) {
      const { outcome, reason } = await tryVerb(
        { session, table, samples, role: identity.role, tenants },
        verb,
      );
      results.push(say(verb, outcome === "leak" ? judge(plan, table, name, verb) : outcome, reason));
    }
    return results;
  } catch (error) {
    if (sqlStateOf(error) === undefined) throw error;
    return unknown(`it could not be set up: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await session.rollback();
  }
}

/** What getting through means, by what the settings say of the table. */
function judge(
  plan: ProbePlan,
  table: ProbedTable,
  identity: IdentityName,
  verb: ProbeVerb,
): ProbeResult["outcome"] {
  const declared = plan.tables[table.name] !== undefined || plan.tables[bare(table.name)] !== undefined;
  const expectation = expectationOf(plan, table.name);
  if (expectation.public.includes(verb)) return "allowed";
  if (identity !== "anonymous" && expectation.members.includes(verb)) return "allowed";
  if (declared || table.tenantColumn !== undefined) return "leak";
  return identity === "anonymous" && verb !== "select" ? "leak" : "undeclared";
}

function expectationOf({ tables }: ProbePlan, name: string): TableExpectation {
  return tables[name] ?? tables[bare(name)] ?? { public: [], members: [] };
}

/** Tables of the schema public may be named without it. */
function bare(name: string): string {
  return name.startsWith("public.") ? name.slice("public.".length) : name;
}

function missingTables(plan: ProbePlan, tables: readonly ProbedTable[]): ProbeResult[] {
  const known = new Set(tables.flatMap(({ name }) => [name, bare(name)]));
  const blank = { identity: "anonymous", verb: "select", outcome: "unknown" } as const;
  const columns = tables.filter(({ name, tenantColumn }) => {
    const wanted = expectationOf(plan, name).tenantColumn;
    return wanted !== undefined && wanted !== tenantColumn;
  });
  return [
    ...Object.keys(plan.tables)
      .filter((name) => !known.has(name))
      .map((name) => ({ ...blank, table: name, reason: "there is no such table in the exposed schemas" })),
    ...columns.map(({ name }) => ({ ...blank, table: name, reason: "it has no such tenant column" })),
  ];
}
