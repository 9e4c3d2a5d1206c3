import type { JsonObject } from "../../model/json.ts";
import type { ReconcilingSql } from "./reconcile.ts";
import type { Drift } from "./three-way.ts";

const MAX_NAMED = 5;

/** "3 objects drifted: column public.users.email: …; …". What is part of a missing or extra table is counted with it. */
export function driftReason(drift: readonly Drift[]): string {
  const own = drift.filter(({ difference }) => difference.within === undefined);
  const named = own.slice(0, MAX_NAMED).map(({ sentence }) => sentence);
  const more = own.length - named.length;
  return `${own.length} ${own.length === 1 ? "object" : "objects"} drifted: ${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

/** One line for each object; its parts are counted on its own line. */
export function driftLines(drift: readonly Drift[]): string[] {
  return drift
    .filter(({ difference }) => difference.within === undefined)
    .map(({ difference, sentence }) => {
      const parts = drift.filter((item) => item.difference.within === difference.identity).length;
      return parts === 0 ? sentence : `${sentence}, with ${parts} of its parts`;
    });
}

/** The statements as a script that can be read, and run one by one; what loses data says so. */
export function sqlLines({ statements, byHand }: ReconcilingSql): string[] {
  return [
    ...(statements.length > 0
      ? [
          "-- Makes the live schema what is expected. Not tried out: read it before you run it.",
          "set check_function_bodies = off;",
        ]
      : []),
    ...statements.flatMap(({ sql, losesData }) => [
      ...(losesData === true ? ["-- loses data:"] : []),
      `${sql};`,
    ]),
    ...byHand.map(({ identity, what }) => `-- by hand: ${identity}: ${what}`),
  ];
}

/** For evidence and --json: every object, also the parts of others. */
export function driftJson(drift: readonly Drift[]): JsonObject[] {
  return drift.map(({ difference: { kind, identity, state, within, properties }, from, sentence }) => ({
    kind,
    identity,
    state,
    within: within ?? null,
    differsFrom: from,
    properties: properties.map(({ name, expected, live }) => ({
      name,
      expected: expected ?? null,
      live: live ?? null,
    })),
    sentence,
  }));
}
