import { TminusError } from "../../../errors.ts";
import { PHASES, type Address, type SchemaObject } from "./catalog.ts";

/** "from needs to". */
export interface Dependency {
  from: Address;
  to: Address;
}

/**
 * The objects in an order in which each comes after what it needs. An object whose needs belong to a later phase
 * moves to that phase. The order is the same for equal input. Errors: BACKUP_FAILED for objects that need each other.
 */
export function orderObjects(
  objects: readonly SchemaObject[],
  dependencies: readonly Dependency[],
): SchemaObject[] {
  const keyOf = new Map<Address, string>();
  for (const { address, aliases = [], key } of objects)
    for (const name of [address, ...aliases]) keyOf.set(name, key);
  const needs = new Map<string, Set<string>>(objects.map(({ key }) => [key, new Set()]));
  for (const { from, to } of dependencies) {
    const [one, other] = [keyOf.get(from), keyOf.get(to)];
    if (one !== undefined && other !== undefined && one !== other) needs.get(one)?.add(other);
  }
  const byKey = new Map(objects.map((object) => [object.key, object]));
  const sorted: SchemaObject[] = [];
  const state = new Map<string, "open" | "done">();
  // Recursion would go as deep as views are stacked on views; a stack of our own has no such limit.
  for (const start of [...byKey.keys()].toSorted(compareText)) {
    const stack = [start];
    while (stack.length > 0) {
      const key = stack.at(-1)!;
      if (state.get(key) === "done") stack.pop();
      else if (state.get(key) === "open") {
        stack.pop();
        state.set(key, "done");
        sorted.push(settle(byKey.get(key)!, needs.get(key)!, sorted));
      } else {
        state.set(key, "open");
        for (const need of [...needs.get(key)!].toSorted(compareText)) {
          if (state.get(need) === "open") throw circular(key, need);
          if (state.get(need) !== "done") stack.push(need);
        }
      }
    }
  }
  return PHASES.flatMap((phase) => sorted.filter((object) => object.phase === phase));
}

/** Moves an object to the phase of the latest thing that it needs. */
function settle(
  object: SchemaObject,
  needs: ReadonlySet<string>,
  before: readonly SchemaObject[],
): SchemaObject {
  let rank = PHASES.indexOf(object.phase);
  if (needs.size === 0) return object;
  for (const { key, phase } of before) if (needs.has(key)) rank = Math.max(rank, PHASES.indexOf(phase));
  // Beside the indexes only indexes are built.
  if (PHASES[rank] === "index" && object.phase !== "index") rank++;
  return { ...object, phase: PHASES[rank]! };
}

function circular(one: string, other: string): TminusError {
  return new TminusError(
    "BACKUP_FAILED",
    `${one} and ${other} need each other; such a schema cannot be written down in an order`,
    {
      hint: "Break the circle, or back the database up with pg_dump.",
    },
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
