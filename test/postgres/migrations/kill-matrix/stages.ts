import { boundariesOf, perform, readState, type KillCase, type Operation } from "./cases.ts";
import { FILES } from "./history.ts";
import { forget, listen } from "./parking.ts";

export interface StageDatabase {
  name: string;
  url: string;
  drop(): Promise<void>;
}

/** A new database, a copy of another when named. */
export type CreateDatabase = (template?: string) => Promise<StageDatabase>;

/** An operation with what is there before and after it, when nobody disturbs it, and where it can be stopped. */
export interface Stage {
  operation: Operation;
  /** Name of the database as it is before. */
  before: string;
  after: string;
  boundaries: readonly Pick<KillCase, "at" | "mode">[];
}

/** Applies the whole history undisturbed, keeps a database for every stage, and takes the files in pieces back. */
export async function makeStages(create: CreateDatabase, directory: string): Promise<Stage[]> {
  const stages: Stage[] = [];
  let before = await create();
  for (const [file, { pieces }] of FILES.entries()) {
    const database = await create(before.name);
    stages.push(await stageOf({ direction: "up", file }, { before, database, directory }));
    if (pieces === true) {
      const undone = await create(database.name);
      const stage = await stageOf(
        { direction: "down", file },
        { before: database, database: undone, directory },
      );
      stages.push(stage);
      await undone.drop();
    }
    before = database;
  }
  return stages;
}

/** Every boundary of every file, instead of the selection that fits into a quick test run. */
export const IS_FULL = process.env.TMINUS_KILL_MATRIX === "full";

/** The files in pieces, with or without their way back, and some of those that are one transaction. */
export function selectStages(
  stages: readonly Stage[],
  { whole, withDown }: { whole: number; withDown: boolean },
): Stage[] {
  if (IS_FULL) return [...stages];
  const inPieces = stages.filter(({ operation }) => FILES[operation.file]!.pieces === true);
  const others = stages.filter((stage) => !inPieces.includes(stage));
  return [
    ...inPieces.filter(({ operation }) => withDown || operation.direction === "up"),
    ...others.slice(-whole),
  ];
}

async function stageOf(
  operation: Operation,
  { before, database, directory }: { before: StageDatabase; database: StageDatabase; directory: string },
): Promise<Stage> {
  const texts = listen(database.name);
  await perform(operation, database.url, directory);
  forget(database.name);
  const after = await readState(database.url);
  return { operation, before: before.name, after, boundaries: boundariesOf(texts) };
}

export interface Reached {
  killCase: KillCase;
  database: StageDatabase;
  after: string;
}

const BATCH = 24;
const AT_ONCE = 4;

/**
 * Copies a database for each boundary, kills a batch of them at once, runs each once more, and answers what is
 * not as it is without a kill.
 */
export async function driveMatrix(
  stages: readonly Stage[],
  directory: string,
  { create, kill }: { create: CreateDatabase; kill: (batch: readonly Reached[]) => Promise<void> },
): Promise<{ kills: number; wrong: string[] }> {
  const all = stages.flatMap((stage) => stage.boundaries.map((boundary) => ({ stage, boundary })));
  const wrong: string[] = [];
  for (let start = 0; start < all.length; start += BATCH) {
    const batch = await inTurns(all.slice(start, start + BATCH), async ({ stage, boundary }) => {
      const database = await create(stage.before);
      const killCase = { ...stage.operation, ...boundary, url: database.url };
      return { killCase, database, after: stage.after };
    });
    await kill(batch);
    await inTurns(batch, async ({ killCase, database, after }) => {
      const { direction, file, at, mode } = killCase;
      const place = `${direction} ${file} ${mode} ${at}`;
      try {
        await perform(killCase, database.url, directory);
        if ((await readState(database.url)) !== after) wrong.push(`${place}: another state`);
      } catch (error) {
        wrong.push(`${place}: ${String(error)}`);
      }
      await database.drop();
    });
  }
  return { kills: all.length, wrong };
}

/** A few at the same time, answers in order. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
