import { compareFingerprints, type Difference } from "./compare.ts";
import type { CatalogObject, Fingerprint, ObjectKind } from "./fingerprint.ts";
import { reconcileDefaultGrants, reconcileGrants } from "./reconcile/access.ts";
import {
  createRoutine,
  createTrigger,
  createView,
  reconcileExtension,
  reconcilePolicy,
  reconcilePublication,
  reconcileRoutine,
  reconcileRule,
  reconcileSchema,
  reconcileTrigger,
  reconcileView,
} from "./reconcile/behaviour.ts";
import { phases, step, type Reconcile, type ReconcilingStep } from "./reconcile/step.ts";
import {
  reconcileColumn,
  reconcileConstraint,
  reconcileIndex,
  reconcileSequence,
  reconcileTable,
} from "./reconcile/tables.ts";
import { reconcileComposite, reconcileDomain, reconcileEnum, reconcileRange } from "./reconcile/types.ts";

export interface ReconcilingSql {
  /** In an order in which they can run; one at a time, since indexes are built concurrently. Not tried out. */
  statements: ReconcilingStep[];
  /** What no statement is given for, and what a person has to do. */
  byHand: { identity: string; what: string }[];
}

const RECONCILERS: Readonly<Record<ObjectKind, Reconcile>> = {
  schema: reconcileSchema,
  extension: reconcileExtension,
  enum: reconcileEnum,
  range: reconcileRange,
  "composite type": reconcileComposite,
  domain: reconcileDomain,
  sequence: reconcileSequence,
  table: reconcileTable,
  column: reconcileColumn,
  constraint: reconcileConstraint,
  index: reconcileIndex,
  function: reconcileRoutine,
  procedure: reconcileRoutine,
  aggregate: reconcileRoutine,
  view: reconcileView,
  "materialized view": reconcileView,
  rule: reconcileRule,
  trigger: reconcileTrigger,
  policy: reconcilePolicy,
  grants: reconcileGrants,
  "default grants": reconcileDefaultGrants,
  publication: reconcilePublication,
};

/**
 * Pure: the statements that make the live schema what is expected. They do not know what depends on what they
 * take away: the server refuses those. What loses rows or values is marked.
 */
export function reconcilingSql(
  expected: Fingerprint,
  live: Fingerprint,
  differences: readonly Difference[] = compareFingerprints(expected, live),
): ReconcilingSql {
  const steps: ReconcilingStep[] = [];
  const byHand: ReconcilingSql["byHand"] = [];
  const untouchable = new Set<string>();
  const recreate = (object: CatalogObject): ReconcilingStep[] => recreated(object, expected);
  for (const difference of differences) {
    if (difference.within !== undefined && goesWithIt(difference, untouchable)) continue;
    const answer = RECONCILERS[difference.kind](difference, recreate);
    if (Array.isArray(answer)) {
      steps.push(...answer);
      continue;
    }
    untouchable.add(difference.identity);
    byHand.push({ identity: `${difference.kind} ${difference.identity}`, what: answer.byHand });
  }
  return { statements: inOrder(steps), byHand };
}

/** What disappears with its table is not dropped by itself; references between tables are. */
function goesWithIt({ state, within, kind, live }: Difference, untouchable: ReadonlySet<string>): boolean {
  if (untouchable.has(within!)) return true;
  if (state !== "extra") return false;
  return !(kind === "constraint" && live?.definition.type === "foreign key");
}

/** What was dropped comes back with its triggers, rules, indexes and grants, which nobody changed. */
function recreated(object: CatalogObject, { objects }: Fingerprint): ReconcilingStep[] {
  const isRoutine = ["function", "procedure"].includes(object.kind);
  const grantee = `${isRoutine ? "routine" : "table"} ${object.identity}`;
  const steps = isRoutine ? createRoutine(object) : createView(object);
  for (const part of objects) {
    if (part.kind === "trigger" && part.on === object.identity) steps.push(...createTrigger(part));
    else if (part.kind === "rule" && part.on === object.identity)
      steps.push(step("create trigger", part.sql!));
    else if (part.kind === "index" && part.on === object.identity)
      steps.push(step("create index", part.sql!));
  }
  const grants = objects.filter(({ kind, on }) => kind === "grants" && on === grantee);
  if (isRoutine && !grants.some(({ definition }) => definition.public !== undefined))
    steps.push(step("grant", `revoke execute on ${grantee} from public`));
  for (const grant of grants) {
    const answer = reconcileGrants(
      {
        kind: "grants",
        identity: grant.identity,
        state: "missing",
        properties: [],
        expected: grant,
        live: undefined,
        within: undefined,
      },
      () => [],
    );
    if (Array.isArray(answer)) steps.push(...answer);
  }
  return steps;
}

/** By phase; what takes away runs youngest first. Each statement once. */
function inOrder(steps: readonly ReconcilingStep[]): ReconcilingStep[] {
  const ordered = phases.flatMap((phase) => {
    const own = steps.filter((item) => item.phase === phase);
    return phase.startsWith("drop ") ? own.reverse() : own;
  });
  const seen = new Set<string>();
  return ordered.filter(({ sql }) => !seen.has(sql) && seen.add(sql));
}
