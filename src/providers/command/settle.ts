import type { RunningCommand, StageRecord, TargetRecord } from "./record.ts";

/**
 * The record after its running command is over; `exitCode` is undefined when nobody saw its end. A command
 * whose process was never recorded has never begun, and leaves nothing.
 */
export function settle(
  record: TargetRecord,
  { verb, release, key, process }: RunningCommand,
  exitCode: number | undefined,
): TargetRecord {
  const { running: _, ...rest } = record;
  const stage = key === undefined ? undefined : record.stages[key];
  if (process === undefined) {
    const others = Object.entries(record.stages).filter(([name]) => name !== key);
    return { ...rest, stages: Object.fromEntries(others) };
  }
  const others = record.releases.filter((one) => one !== release);
  if (verb === "retire") return { ...rest, releases: exitCode === 0 ? others : record.releases };
  return {
    ...rest,
    generation: record.generation + 1,
    releases: [...others, release],
    ...(exitCode === 0 ? { expected: release } : {}),
    ...(key === undefined || stage === undefined
      ? {}
      : { stages: { ...record.stages, [key]: { ...stage, state: stateAfter(exitCode) } } }),
  };
}

function stateAfter(exitCode: number | undefined): StageRecord["state"] {
  if (exitCode === undefined) return "interrupted";
  return exitCode === 0 ? "deployed" : "failed";
}
