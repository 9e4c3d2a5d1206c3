import type { Block } from "./block-evidence.ts";

/**
 * One block of a release beside the version that runs at the same time, as a block for addBlock: of all errors of the
 * two, those of the new release, held against the share that it may have of them when its error rate is `times` that of
 * the control, at the most. What disturbs both of them alike cancels out. Undefined when one of them had no request:
 * nothing can be compared.
 */
export function controlBlock(
  release: Block,
  control: Block,
  times: number,
): { block: Block; target: number } | undefined {
  if (!(release.total > 0 && control.total > 0 && times > 0)) return undefined;
  const target = (times * release.total) / (times * release.total + control.total);
  return { block: { bad: release.bad, total: release.bad + control.bad }, target };
}
