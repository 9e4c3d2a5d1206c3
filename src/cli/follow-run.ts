import { describeCode, TminusError } from "../errors.ts";
import type { ExitCode } from "../error-codes.ts";
import type { Run, RunOutcome } from "../model/run.ts";
import type { Tminus } from "../model/tminus.ts";
import { applyEvent, newRunView, type RunView } from "../report/run-view.ts";
import type { CommandContext } from "./command-context.ts";
import { exitOfOutcome, refusalOf } from "./exit-code.ts";
import { runJson } from "./output/json.ts";
import { eventLine, heartbeatLine } from "./output/lines.ts";
import { openLiveScreen } from "./output/live.ts";
import { renderTree } from "./output/tree.ts";
import { statesOf, watchedLines } from "./output/watch-words.ts";
import { openWatchFeed, type WatchFeed } from "./watch-feed.ts";

/** At most five frames a second. */
const FRAME_MS = 200;
/** Elapsed times move at least this often. */
const IDLE_FRAME_MS = 1_000;
/** The longest silence of a printed log. */
const HEARTBEAT_MS = 30_000;

/**
 * Shows a run until it ends, then prints it as the result and returns its exit code. Ctrl-C only stops the
 * looking: the run goes on, and the exit code is 130. `exitOf` is for commands that wanted another end than success. Without
 * `tellStale`, a run that was refused for a stale plan prints no result: the caller starts another.
 */
export async function followRun(
  context: CommandContext,
  tminus: Tminus,
  run: Run,
  exitOf: (outcome: RunOutcome) => ExitCode = exitOfOutcome,
  tellStale = true,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const view = newRunView(run);
  const feed = openWatchFeed(tminus, view, () => context.host.clock.monotonicMs());
  const display = output.isLive ? liveDisplay(context, view, feed) : lineDisplay(context, view, feed);
  try {
    for await (const event of tminus.follow(run.id, 0, cancelled)) {
      applyEvent(view, event);
      output.event(event);
      display.event(eventLine(view, event));
    }
  } catch (error) {
    if (!cancelled.aborted) throw error; // an abort may come as a rejection; it is told below
  } finally {
    display.close();
    await feed.close();
  }
  const ended = await tminus.findRun(run.id);
  if (ended.outcome !== undefined) {
    const refusal = refusalOf(ended);
    const exitCode = refusal === undefined ? exitOf(ended.outcome) : describeCode(refusal).exit;
    if (refusal === "PLAN_STALE" && !tellStale) return exitCode;
    output.result({ run: runJson(ended), exitCode }, output.isQuiet ? [`${ended.id} ${ended.outcome}`] : []);
    return exitCode;
  }
  if (!cancelled.aborted) {
    throw new TminusError("STATE_UNAVAILABLE", `the events of run ${run.id} ended before the run did`, {
      hint: `The run goes on without being watched. Look again: tminus watch ${run.id}`,
    });
  }
  output.note(detachedText(run.id));
  output.result({ run: runJson(ended), detached: true, exitCode: 130 }, []);
  return 130;
}

/** Says that nobody looks any more, that the run goes on, and how to come back. */
export function detachedText(runId: string): string {
  return `Detached: run ${runId} goes on. Come back with: tminus watch ${runId}. Stop it with: tminus abort ${runId}.`;
}

interface Display {
  event(line: string | undefined): void;
  close(): void;
}

function liveDisplay({ host, output }: CommandContext, view: RunView, feed: WatchFeed): Display {
  const { stdout, clock } = host;
  const screen = openLiveScreen(
    (text) => stdout.write(text),
    () => stdout.columns(),
  );
  let isDirty = true;
  let paintedAtMs = -Infinity;
  const frame = (rows?: number): string[] => {
    const seen = feed.current();
    const options = {
      columns: stdout.columns(),
      style: output.style,
      watched: seen === undefined ? [] : [seen],
      ...(rows === undefined ? {} : { rows }),
    };
    return renderTree(view, clock.now(), options);
  };
  const stop = host.every(FRAME_MS, () => {
    const nowMs = clock.monotonicMs();
    if (feed.tick()) isDirty = true;
    if (!isDirty && nowMs - paintedAtMs < IDLE_FRAME_MS) return;
    isDirty = false;
    paintedAtMs = nowMs;
    screen.paint(frame(stdout.rows() - 1));
  });
  return {
    event: () => {
      isDirty = true;
    },
    close() {
      stop();
      screen.paint(frame());
    },
  };
}

function lineDisplay({ host, output }: CommandContext, view: RunView, feed: WatchFeed): Display {
  const { clock } = host;
  let printedAtMs = clock.monotonicMs();
  let told = "";
  const stop = host.every(IDLE_FRAME_MS, () => {
    feed.tick();
    const seen = feed.current();
    const states = seen === undefined ? "" : statesOf(seen);
    const hasChanged = states !== "" && states !== told;
    // The tick after the last one that is in time would come too late.
    if (!hasChanged && clock.monotonicMs() - printedAtMs < HEARTBEAT_MS - 2 * IDLE_FRAME_MS) return;
    printedAtMs = clock.monotonicMs();
    told = states;
    const now = clock.now();
    output.line(heartbeatLine(view, now, seen !== undefined));
    for (const line of seen === undefined ? [] : watchedLines(seen, view, now)) output.line(line);
  });
  return {
    event(line) {
      if (line === undefined) return;
      printedAtMs = clock.monotonicMs();
      output.line(line);
    },
    close: stop,
  };
}
