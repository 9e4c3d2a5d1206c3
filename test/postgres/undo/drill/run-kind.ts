import { expect } from "vitest";
import { eventually } from "../../../support/processes.ts";
import {
  expectedDigest,
  extrasDigest,
  openJournal,
  stateSql,
  type Journal,
  type Without,
} from "./journal.ts";
import type { StepResult } from "../../../../src/model/step-kind.ts";
import type { Acted, DrillPlace, Stage } from "./place.ts";
import { makeOwners, OLD_RELEASE } from "./releases.ts";
import { startWriters, type Release, type Report, type Writers } from "./writers.ts";

/** One kind of operation: how it is done, what the release that comes with it writes, and what undoing it loses. */
export interface DrillKind {
  title: string;
  /** SQL that makes more of the state before. */
  setup?: string;
  stages: readonly Stage[];
  /** What the running release writes; OLD_RELEASE when left out. Its SQL may never fail. */
  running?: Release;
  /** What the new release writes besides, into what only it knows. */
  next?: Release;
  /** What the release before the running one writes besides: into what is contracted. */
  previous?: Release;
  /** SQL of the lines "key|value" of what `next` wrote. */
  extras?: string;
  /** SQL that answers the number of rows in which old and new disagree. */
  disagree?: string;
  /** What the first undo is refused because of, as it is called after its number; only this goes when it may. */
  loss?: Loss;
  /** The undo is refused for good, and the schema stays. */
  stays?: string;
  /** What the database lacks when it was done again. */
  without?: Without;
  /** SQL that answers 0 when the schema is as it was before. */
  remains: string;
  /** No write is acknowledged between doing and undoing. */
  refusesWrites?: boolean;
}

export interface Loss {
  noun: string;
  /** How many: those that the new release wrote, or some of them. */
  of: "extras" | "some";
}

export interface DrillReport {
  title: string;
  /** Acknowledged between the end of the migration and the beginning of its undo. */
  between: number;
  acknowledged: number;
  retries: number;
  inDoubt: number;
  announced: string;
}

/** What is done to an undo. */
export interface Disturbance {
  undo(step: Acted): Promise<StepResult>;
  /** Whether clients lose their connections because of it: what they had no answer to is then looked up. */
  isCut: boolean;
}

const RUNNING = 6;
const NEXT = 3;
export const BETWEEN = 700;
/** While something else goes on, and after it. */
const SOME = 60;

/**
 * Migrates, undoes and migrates again while clients of both releases write, and compares by hash what they were
 * told with what is there: after the undo, and again at the end.
 */
export async function runKind(
  kind: DrillKind,
  place: DrillPlace,
  { undo, isCut }: Disturbance = { undo: (step) => step.undo(), isCut: false },
): Promise<DrillReport> {
  const journal = openJournal();
  const running = makeOwners(1, RUNNING, true);
  const next = makeOwners(101, NEXT, false);
  const previous = makeOwners(201, 1, false);
  const reports: Report[] = [];
  const start = async (owners: typeof running, release: Release): Promise<Writers> => {
    const writers = await startWriters({ url: place.url, journal, owners, release });
    reports.push(writers.report);
    return writers;
  };
  const more = async (count: number): Promise<void> => {
    const goal = journal.acknowledged + count;
    await eventually(`${count} more writes are acknowledged`, () => {
      expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
      return journal.acknowledged >= goal;
    });
  };
  const oldRelease = kind.running ?? OLD_RELEASE;

  const old = await start(running, oldRelease);
  const older = kind.previous && (await start(previous, kind.previous));
  await more(SOME);
  await older?.stop();

  const acted = await actAll(kind, place, "run-1");
  const first = kind.next && (await start(next, [...kind.next, ...oldRelease]));
  const before = journal.acknowledged;
  if (kind.refusesWrites === true) await eventually("writes are refused", () => old.report.refused > 100);
  else await more(BETWEEN);
  if (kind.loss !== undefined && acted.length === 1)
    expect(await acted[0]!.undo(), "an undo while the new release writes").toMatchObject({
      outcome: "failed",
    });
  // Traffic goes back to the old release before the schema does.
  await first?.stop();
  await agree(kind, place, journal);
  const between = journal.acknowledged - before;
  const announced = await undoAll(kind, place, { acted, journal, undo });
  expect(await place.query(kind.remains)).toEqual([{ remains: 0 }]);
  const back = kind.previous && (await start(previous, kind.previous));
  await more(SOME);
  await Promise.all([old.stop(), back?.stop()]);
  expect(await place.digest(stateSql(undefined))).toEqual(expectedDigest(journal, undefined));

  const again = await start(running, oldRelease);
  await more(SOME);
  await place.clearFiles();
  await actAll(kind, place, "run-2");
  if (kind.stays === undefined) journal.extras.clear();
  for (const owner of next) owner.marked = [];
  const second = kind.next && (await start(next, [...kind.next, ...oldRelease]));
  if (kind.refusesWrites !== true) await more(SOME);
  await Promise.all([second?.stop(), again.stop()]);
  expect(await place.digest(stateSql(kind.without))).toEqual(expectedDigest(journal, kind.without));
  await agree(kind, place, journal);

  const sum = (of: (report: Report) => number): number => reports.reduce((all, one) => all + of(one), 0);
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  const inDoubt = sum((report) => report.inDoubt);
  if (!isCut) expect(inDoubt).toBe(0);
  if (kind.refusesWrites !== true) expect(sum(({ refused }) => refused)).toBe(0);
  const retries = sum((report) => report.retries);
  return { title: kind.title, between, acknowledged: journal.acknowledged, retries, inDoubt, announced };
}

async function actAll({ stages }: DrillKind, place: DrillPlace, run: string): Promise<Acted[]> {
  const acted: Acted[] = [];
  for (const [index, stage] of stages.entries()) acted.push(await place.act(stage, `${run}/${index}`));
  return acted;
}

/** What the new release wrote is what it was told, and old and new say the same. */
async function agree({ extras, disagree }: DrillKind, place: DrillPlace, journal: Journal): Promise<void> {
  if (extras !== undefined) expect(await place.digest(extras)).toEqual(extrasDigest(journal));
  if (disagree !== undefined) expect(await place.query(disagree)).toEqual([{ disagree: 0 }]);
}

/** The steps in reverse, each as the engine would: one that would lose something is refused at first. Answers what it said. */
async function undoAll(
  kind: DrillKind,
  place: DrillPlace,
  { acted, journal, undo }: { acted: readonly Acted[]; journal: Journal } & Pick<Disturbance, "undo">,
): Promise<string> {
  let announced = "";
  for (const [index, step] of [...acted.entries()].reverse()) {
    let result = await undo(step);
    if (index === 0 && kind.stays !== undefined) {
      expect(result).toMatchObject({
        outcome: "failed",
        reason: expect.stringContaining(kind.stays) as string,
      });
      await agree(kind, place, journal);
      return result.reason;
    }
    if (index === 0 && kind.loss !== undefined) {
      expect(result).toMatchObject({ outcome: "failed", result: { reverted: [] } });
      const counted = Number(new RegExp(`drops (\\d+) ${kind.loss.noun}`).exec(result.reason)?.[1]);
      if (kind.loss.of === "extras") expect(counted, result.reason).toBe(journal.extras.size);
      else expect(counted, result.reason).toBeGreaterThan(0);
      announced = result.reason;
      await agree(kind, place, journal);
      result = await step.undo({ loss: "allow" });
    }
    expect(result.outcome, result.reason).toBe("done");
  }
  return announced;
}
