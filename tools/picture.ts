import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderTree } from "../src/cli/output/tree.ts";
import type { Plan } from "../src/model/plan.ts";
import type { Run, RunEvent } from "../src/model/run.ts";
import { viewOf } from "../src/report/run-view.ts";
import { svgOf, svgStyle, type Panel } from "./svg-terminal.ts";

/**
 * Draws docs/images/run-tree.svg, the command line's own tree of a recorded run, from
 * docs/images/run-tree.events.json. `--check` compares instead of writing; `--record <file>` first makes the
 * recording from the output of `tminus show <run> --json`. The same recording gives the same picture.
 */
const images = join(dirname(import.meta.dirname), "docs/images");
const recording = join(images, "run-tree.events.json");
const picture = join(images, "run-tree.svg");
const COLUMNS = 92;

interface Recording {
  run: Omit<Run, "plan" | "createdAt"> & { createdAt: string };
  plan: Pick<Plan, "project" | "purpose" | "release" | "previousRelease" | "hash" | "stages">;
  events: (Omit<RunEvent, "at" | "runId" | "hash"> & { at: string })[];
}

const [flag, file] = process.argv.slice(2);
if (flag === "--record") record(JSON.parse(readFileSync(file!, "utf8")) as Recording);
process.exitCode = flag === "--check" ? check() : draw();

function draw(): number {
  mkdirSync(images, { recursive: true });
  writeFileSync(picture, pictureOf(read()));
  return 0;
}

/** 1 when the picture is not what the tree looks like now. */
function check(): number {
  const isCurrent = existsSync(picture) && readFileSync(picture, "utf8") === pictureOf(read());
  if (!isCurrent) process.stderr.write("docs/images/run-tree.svg is stale; draw it with: npm run picture\n");
  return isCurrent ? 0 : 1;
}

function read(): Recording {
  return JSON.parse(readFileSync(recording, "utf8")) as Recording;
}

/** Two moments: the canary watched with a rule broken for a while, and the rollback. */
function pictureOf({ run, plan, events }: Recording): string {
  const past = events.map((event) => ({ ...event, at: new Date(event.at), runId: run.id, hash: "" }));
  const verdict = past.findIndex(({ type }) => type === "run.verdict");
  const watching = past.findLastIndex(
    ({ type, data: { text } }, index) =>
      index < verdict && type === "step.progress" && typeof text === "string" && !text.includes("BROKEN"),
  );
  const undoing = past.findIndex(
    ({ type, data }) => type === "undo.begun" && data.stepId !== firstUndone(past),
  );
  if (verdict < 0 || watching < 0 || undoing < 0)
    throw new Error("the recording is not of a canary that was rolled back");
  const whole = { ...run, plan, createdAt: new Date(run.createdAt) } as Run;
  const panel = (title: string, last: number): Panel => {
    const shown = past.slice(0, last + 1);
    const view = viewOf(whole, shown);
    return { title, lines: renderTree(view, shown.at(-1)!.at, { columns: COLUMNS, style: svgStyle }) };
  };
  return svgOf(
    [
      panel("The canary is watched; its error rate has just gone above the limit", watching),
      panel("The rule stayed broken: everything is undone, the last step first", undoing),
    ],
    COLUMNS,
  );
}

function firstUndone(events: readonly { type: string; data: RunEvent["data"] }[]): unknown {
  return events.find(({ type }) => type === "undo.begun")?.data.stepId;
}

/** Keeps what the tree is made from; the rest of a plan and its paths are of no use here. */
function record({ run, plan, events }: Recording): void {
  const { id, environment, state, createdAt, createdBy } = run;
  const { project, purpose, release, previousRelease, hash } = plan;
  const stages = plan.stages.map((stage) => ({
    id: stage.id,
    title: stage.title,
    risk: stage.risk,
    steps: stage.steps.map((step) => ({ id: step.id, title: step.title, kind: step.kind })),
  }));
  const kept = events.map(({ sequence, at, type, actor, data: { worker: _worker, ...data } }) => ({
    sequence,
    at,
    type,
    actor,
    data,
  }));
  const content = {
    run: { id, environment, state, createdAt, createdBy },
    plan: { project, purpose, release, previousRelease, hash, stages },
    events: kept,
  };
  mkdirSync(images, { recursive: true });
  writeFileSync(recording, `${JSON.stringify(content, undefined, 1)}\n`);
}
