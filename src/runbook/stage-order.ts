/** What ordering needs to know of a stage. */
export interface StageNeeds {
  id: string;
  /** Undefined: the stage before it in the file. */
  needs?: readonly string[] | undefined;
}

/** Stage ids in the order in which they run, or the circles that make an order impossible. */
export type StageOrder = { order: string[]; cycles: [] } | { order: undefined; cycles: string[][] };

/**
 * A stable topological order: of the stages that could run next, always the first in the file. Unknown needs
 * are left out; ids must be unique. Each cycle starts and ends with the same id: ["a", "b", "a"].
 */
export function orderStages(stages: readonly StageNeeds[]): StageOrder {
  const needs = new Map<string, Set<string>>();
  const known = new Set(stages.map((stage) => stage.id));
  stages.forEach((stage, index) => {
    const before = stages[index - 1];
    const wanted = stage.needs ?? (before === undefined ? [] : [before.id]);
    needs.set(stage.id, new Set(wanted.filter((id) => known.has(id))));
  });
  const order: string[] = [];
  const done = new Set<string>();
  for (let round = 0; round < stages.length; round++) {
    const next = stages.find(
      ({ id }) => !done.has(id) && [...needs.get(id)!].every((need) => done.has(need)),
    );
    if (next === undefined) break;
    done.add(next.id);
    order.push(next.id);
  }
  if (order.length === known.size) return { order, cycles: [] };
  return { order: undefined, cycles: findCycles(stages, needs, done) };
}

/** Follows needs from every stage that never became ready; reports each circle once, from its first stage in the file. */
function findCycles(
  stages: readonly StageNeeds[],
  needs: ReadonlyMap<string, ReadonlySet<string>>,
  done: ReadonlySet<string>,
): string[][] {
  const position = new Map(stages.map((stage, index) => [stage.id, index]));
  const cycles: string[][] = [];
  const visited = new Set<string>();
  for (const { id } of stages) {
    const trail: string[] = [];
    let current: string | undefined = id;
    while (current !== undefined && !visited.has(current) && !done.has(current)) {
      visited.add(current);
      trail.push(current);
      // Every stage left has a need that is left too, else it would have become ready.
      current = [...needs.get(current)!].find((need) => !done.has(need));
    }
    const start = current === undefined ? -1 : trail.indexOf(current);
    if (start === -1) continue;
    const circle = trail.slice(start);
    const first = circle.reduce((a, b) => (position.get(a)! <= position.get(b)! ? a : b));
    const turned = [...circle.slice(circle.indexOf(first)), ...circle.slice(0, circle.indexOf(first))];
    cycles.push([...turned, first]);
  }
  return cycles;
}
