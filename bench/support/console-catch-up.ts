import { systemClock } from "../../src/lib/clock.ts";
import type { ConsoleProject } from "../../test/web/support/console-project.ts";
import { openObserved, openRunIn, shownTimes, steer, tally } from "./console-events.ts";

const ROUNDS = 3;
/** So that what asks for the server again has come to its longest pause. */
const AWAY_MS = 5000;

/**
 * The server is killed with a page open on a run, events come to pass without it, and it is started again: how long from its
 * being ready to the frame in which the page shows all of them. The longest of three.
 */
export async function measureCatchUp(
  site: ConsoleProject,
  run: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<{ ms: number; lost: number; doubled: number }> {
  await using cleanUp = new AsyncDisposableStack();
  const { tminus, ann, context } = await openObserved(site, cleanUp);
  const page = await context.newPage();
  await site.signIn(page, "ann");
  await openRunIn([page], `${site.url}/runs/${run}`);
  const tookMs: number[] = [];
  const result = { lost: 0, doubled: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    await site.killServer();
    await systemClock.sleep(AWAY_MS, signal);
    await steer({ tminus, ann }, run, "hold", signal);
    const news = await steer({ tminus, ann }, run, "resume", signal);
    await site.startServer();
    const readyMs = systemClock.now().getTime();
    const { lost, doubled } = await tally(page, await tminus.events(run, 0));
    await systemClock.sleep(100, signal); // what the frame shows is written down
    tookMs.push((await shownTimes(page))[news.at(-1)!.sequence]! - readyMs);
    result.lost += lost;
    result.doubled += doubled;
  }
  say(`caught up ${tookMs.map(Math.round).join(", ")} ms after the server was there again`);
  return { ms: Math.max(...tookMs), ...result };
}
