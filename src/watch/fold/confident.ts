import { addBlock, evidenceValue, type Block } from "../statistics/block-evidence.ts";
import { baselineTarget } from "../statistics/baseline-target.ts";
import { controlBlock } from "../statistics/control-block.ts";
import { epochAt, epochsOf, holdAlpha, startWeight, threshold, type Epoch } from "../statistics/spending.ts";
import type { Added } from "./added.ts";
import { type ControlTest, type RuleDefinition, type ShareTest, type WatchDefinition } from "./definition.ts";
import { spendsRisk } from "./spends-risk.ts";
import type { ConfidentState } from "./rule-state.ts";

const DAY_MS = 86_400_000;

/** From which e-value on a rule acts: `roll` for what it says, `hold` for only not going on. */
export interface Thresholds {
  roll: number;
  hold: number;
}

/** The risk is divided among the rules that spend it; a rule that asks two sources has two chances to be wrong. */
export function thresholdsOf({ gatingRules, rules }: WatchDefinition, alpha: number): Thresholds {
  const tests = rules
    .filter((rule) => spendsRisk(rule))
    .reduce((sum, { sources }) => sum + Math.max(1, sources.length), 0);
  const parts = Math.max(gatingRules, tests);
  return {
    roll: threshold(alpha, parts),
    hold: threshold(holdAlpha(alpha), parts),
  };
}

/** The epochs of one rule's time in the watch, and of as much again as it may be prolonged by within a day. */
export function epochsOfRule({ minBlockMs }: WatchDefinition, { fromMs, untilMs }: RuleDefinition): Epoch[] {
  const plannedMs = Math.max(1, untilMs - fromMs);
  const durationMs = Math.max(plannedMs, Math.min(2 * plannedMs, DAY_MS));
  const key = `${durationMs} ${minBlockMs}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  const epochs = epochsOf(durationMs, minBlockMs);
  remembered.set(key, epochs);
  return epochs;
}

/** They are asked for at every look. */
const remembered = new Map<string, Epoch[]>();
const MAX_REMEMBERED = 100;

/**
 * Gathers what a look adds into the block that is open, and turns a full block into evidence. A look that covers a time
 * in which nobody looked is one long block, which is fair as long ones are.
 */
export function gather(
  watch: WatchDefinition,
  definition: RuleDefinition,
  test: ShareTest | ControlTest,
  before: ConfidentState,
  controlSum: Block,
  { fromMs, toMs, release, control }: Added,
): ConfidentState {
  const epochs = epochsOfRule(watch, definition);
  const open = before.block ?? { fromMs, toMs, release: nothing, control: nothing };
  const block = {
    fromMs: open.fromMs,
    toMs,
    release: plus(open.release, release),
    control: plus(open.control, control ?? nothing),
  };
  const elapsedMs = block.fromMs - definition.fromMs;
  // Beyond all epochs nothing more is staked, and what was staked goes on.
  const epoch = epochAt(epochs, elapsedMs) ?? epochs.at(-1)!;
  if (toMs - block.fromMs < epoch.blockMs) return { ...before, block };
  const weight = startWeight(epochs, elapsedMs);
  const [evidence, floorEvidence] = weigh(test, before, block, controlSum, weight);
  const value = Math.min(
    evidenceValue(evidence),
    test.how === "control" && test.floor > 0 ? evidenceValue(floorEvidence) : Infinity,
  );
  return {
    evidence,
    floorEvidence,
    block: null,
    value,
    peak: value > before.peak.value ? { value, atMs: toMs } : before.peak,
    epochs: counted(before.epochs, epochs.indexOf(epoch), block),
  };
}

function weigh(
  test: ShareTest | ControlTest,
  before: ConfidentState,
  block: NonNullable<ConfidentState["block"]>,
  controlSum: Block,
  weight: number,
): [ConfidentState["evidence"], ConfidentState["floorEvidence"]] {
  const release = facing(block.release, test.isFlipped);
  if (test.how === "share")
    return [addBlock(before.evidence, release, test.target, weight), before.floorEvidence];
  const floorEvidence =
    test.floor > 0 ? addBlock(before.floorEvidence, release, test.floor, weight) : before.floorEvidence;
  const compared = comparedWith(test, release, block.control, controlSum);
  if (compared === undefined) return [before.evidence, floorEvidence];
  return [addBlock(before.evidence, compared.block, compared.target, weight), floorEvidence];
}

/**
 * "* N": of all errors of both, those of the release. "+ N pp": the release's own share against the highest that the
 * control's may truly be, by all that has been seen of it in this watch (one-sided), plus N points.
 */
function comparedWith(
  { times, plus: points, isFlipped }: ControlTest,
  release: Block,
  control: Block,
  controlSum: Block,
): { block: Block; target: number } | undefined {
  if (points === 0) return controlBlock(release, facing(control, isFlipped), times);
  if (!(release.total > 0)) return undefined;
  const target = baselineTarget(facing(controlSum, isFlipped), { times, plus: points }, 0);
  return target === undefined ? undefined : { block: release, target };
}

/** Counts as the rule means them: where it is about too few, those that are missing are the bad ones. */
export function facing({ bad, total }: Block, isFlipped: boolean): Block {
  const counted = Math.min(bad, total);
  return { bad: isFlipped ? total - counted : counted, total };
}

export function plus(a: Block, b: Block): Block {
  return { bad: a.bad + b.bad, total: a.total + b.total };
}

const nothing: Block = { bad: 0, total: 0 };

function counted(
  before: ConfidentState["epochs"],
  index: number,
  { release, control }: NonNullable<ConfidentState["block"]>,
): ConfidentState["epochs"] {
  const padded = Array.from(
    { length: Math.max(before.length, index + 1) },
    (_, at) => before[at] ?? { blocks: 0, total: 0, control: 0 },
  );
  const own = padded[index]!;
  return padded.with(index, {
    blocks: own.blocks + 1,
    total: own.total + release.total,
    control: own.control + control.total,
  });
}
