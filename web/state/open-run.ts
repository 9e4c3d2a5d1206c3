import { signal, type Signal } from "@preact/signals";
import type { PlannedStep } from "../../src/model/plan.ts";
import { stepsOf } from "../../src/model/plan-steps.ts";
import type { Run, RunEvent } from "../../src/model/run.ts";
import type { ApprovedBefore, WatchedStep } from "../../src/model/tminus.ts";
import { newRunView, stepsIn, type RunView } from "../../src/report/run-view.ts";
import { runMark, stepMarks } from "../../src/report/run-marks.ts";
import type { EventResource, RollbackLineResource, RunResource } from "../../src/server/contract/run.ts";
import { ApiError, get } from "../api/client.ts";
import { announce } from "./announce.ts";
import { foldEvents } from "./fold-events.ts";
import { resource, type Resource } from "./resource.ts";

/** A run that a page shows. `view` is folded from the events by the function that the command line uses. */
export interface OpenRun {
  readonly id: string;
  readonly shown: Signal<ShownRun | undefined>;
  readonly problem: Signal<ApiError | undefined>;
  readonly watched: Resource<{ steps: WatchedStep[] }>;
  readonly rollback: Resource<{ lines: RollbackLineResource[] }>;
  hear(event: EventResource): void;
  /** Something may have been missed. */
  reload(): void;
  close(): void;
}

export interface ShownRun {
  /** As it was at the last look; what changes is in the view. */
  run: RunResource;
  view: RunView;
  events: RunEvent[];
  planned: ReadonlyMap<string, PlannedStep>;
}

export type ChangesSinceApproval = { changes: (Omit<ApprovedBefore, "at"> & { at: string }) | null };

const WATCH_EVERY_MS = 2500;
/** What would be lost grows with every row that users write. */
const COUNT_EVERY_MS = 20_000;
/** How many events of a run are kept to be looked at; the view has them all. */
const MAX_EVENTS = 5000;

export function openRun(id: string): OpenRun {
  const shown = signal<ShownRun | undefined>(undefined);
  const problem = signal<ApiError | undefined>(undefined);
  const path = `/runs/${encodeURIComponent(id)}`;
  const run = resource<RunResource>(() => path, 600);
  const watched = resource<{ steps: WatchedStep[] }>(() => `${path}/watched`, WATCH_EVERY_MS - 500);
  const rollback = resource<{ lines: RollbackLineResource[] }>(() => `${path}/rollback-preview`, 1000);
  const askPast = (): Promise<{ events: EventResource[] }> => get(`${path}/events?after=0`);
  let past = askPast().catch(() => undefined); // asked again when the run is there
  let isCatchingUp = false;
  let isMoreToCatch = false;

  const fold = (events: readonly EventResource[]): void => {
    const before = shown.value;
    if (before === undefined) return;
    const fresh = events.filter(({ sequence }) => sequence > before.view.lastSequence).map(revive);
    if (fresh.length === 0) return;
    const was = before.view.lastSequence === 0 ? undefined : summaryOf(before.view);
    const view = foldEvents(before.view, fresh);
    shown.value = { ...before, view, events: [...before.events, ...fresh].slice(-MAX_EVENTS) };
    if (was !== undefined) tellChange(was, view);
    if (fresh.some(({ type }) => type !== "step.progress")) run.refresh();
    if (fresh.some(({ type }) => /^(run|step|undo)\.(?!progress)/.test(type))) refreshAround();
  };
  /** What only changes when something was done, or undone. */
  const refreshAround = (): void => {
    rollback.refresh();
    watched.refresh(); // what a watch ended with as well
  };
  const catchUp = async (): Promise<void> => {
    if (shown.peek() === undefined) return; // it is caught up with as soon as it is shown
    // What came after the answer that is on its way is not in it.
    isMoreToCatch = isCatchingUp;
    if (isCatchingUp) return;
    isCatchingUp = true;
    try {
      do {
        isMoreToCatch = false;
        const after = shown.value?.view.lastSequence ?? 0;
        fold((await get<{ events: EventResource[] }>(`${path}/events?after=${after}`)).events);
      } while (isMoreToCatch);
      problem.value = undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = error;
    } finally {
      isCatchingUp = false;
    }
  };
  const tellProblem = (error: unknown): undefined => {
    if (!(error instanceof ApiError)) throw error;
    problem.value = error;
  };
  /** Shows the run with what has happened, at once: both were asked for together. */
  const begin = async (): Promise<void> => {
    const told = (await past) ?? (await askPast().catch(tellProblem));
    if (told === undefined) return;
    past = Promise.resolve(told);
    const events = told.events.map(revive);
    const found = run.value.peek();
    if (found === undefined || shown.peek() !== undefined) return;
    const first = beginning(found);
    shown.value = { ...first, view: foldEvents(first.view, events), events: events.slice(-MAX_EVENTS) };
    watched.refresh();
    void catchUp();
  };
  const stopRun = run.value.subscribe((found) => {
    if (found === undefined) return;
    const before = shown.peek();
    if (before !== undefined) shown.value = { ...before, run: found };
    else void begin();
  });
  const stopProblem = run.problem.subscribe((found) => (problem.value = found));
  const polls = [
    window.setInterval(() => {
      if (!document.hidden && isWatching(shown.value?.view)) watched.refresh();
    }, WATCH_EVERY_MS),
    window.setInterval(() => {
      if (!document.hidden && isActive(shown.value?.view)) rollback.refresh();
    }, COUNT_EVERY_MS),
  ];
  run.refresh();
  rollback.refresh();
  return {
    id,
    shown,
    problem,
    watched,
    rollback,
    hear(event) {
      const last = shown.value?.view.lastSequence;
      if (last === undefined) run.refresh(); // it could not be had before
      if (last === undefined || event.sequence <= last) return;
      if (event.sequence === last + 1) fold([event]);
      else void catchUp();
    },
    reload() {
      run.refresh();
      refreshAround();
      // What is the same as before is no news: it is begun with again here when it could not be the last time.
      void (shown.peek() === undefined ? begin() : catchUp());
    },
    close() {
      polls.forEach((poll) => clearInterval(poll));
      stopRun();
      stopProblem();
    },
  };
}

function beginning(found: RunResource): ShownRun {
  const revived = { ...found, createdAt: new Date(found.createdAt) };
  return {
    run: found,
    view: newRunView(revived as unknown as Run),
    events: [],
    planned: new Map(stepsOf(found.plan).map((step) => [step.id, step])),
  };
}

/** JSON has times as texts. */
function revive(event: EventResource): RunEvent {
  return { ...event, at: new Date(event.at) } as RunEvent;
}

function isActive(view: RunView | undefined): boolean {
  return view !== undefined && view.state !== "ended" && view.state !== "queued";
}

function isWatching(view: RunView | undefined): boolean {
  if (view === undefined || !isActive(view)) return false;
  return stepsIn(view).some(
    ({ kind, state }) => kind === "watch" && /^(running|waiting|parked)$/.test(state),
  );
}

/** By step, and the run's own under "". */
function summaryOf(view: RunView): Map<string, string> {
  return new Map([
    ["", runMark(view).word],
    ...stepsIn(view).map(({ id, state }): [string, string] => [id, stepMarks[state].word]),
  ]);
}

/** Says what changed its state, the run's own last. */
function tellChange(was: ReadonlyMap<string, string>, view: RunView): void {
  const changes = [...summaryOf(view)].filter(([id, word]) => was.get(id) !== word);
  const own = changes.find(([id]) => id === "");
  const steps = changes.filter(([id]) => id !== "");
  const said = [
    ...steps.map(([id, word]) => `${id} ${word}`),
    ...(own === undefined ? [] : [`run ${own[1]}`]),
  ];
  if (said.length > 0) announce(said.join(", "));
}
