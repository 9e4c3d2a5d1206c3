import { parseDuration } from "../../lib/duration.ts";
import { usualDecisions } from "../../model/decision.ts";
import type { Json, JsonObject } from "../../model/json.ts";
import type { EarlierStep, StepContext } from "../../model/step-kind.ts";
import { readAnswers } from "../read-answers.ts";
import { lookAgain, type Look } from "./look.ts";
import type { SignOffSettings } from "./schema.ts";

type Ctx = StepContext<SignOffSettings, null>;

/** A difference that was seen, or that it could not be seen to the end, and who took it as it is. */
export type Drift = { at: string; text: string; acceptedBy?: string; note?: string };

export type Stability = {
  /** When everything was last seen to be the same. */
  verifiedAt?: string;
  /** The last of them. */
  drifts: Drift[];
};

/** What survives a restart. */
type Saved = Stability & {
  /** How often people were told; names the pages. */
  told: number;
  /** The last answer that was read. */
  answered: number;
  /** The last look could not be taken. */
  isBlind: boolean;
  isOver: boolean;
};

type End = { outcome: "stable"; stability: Stability } | { outcome: "failed"; by: string; reason: string };

const MAX_DRIFTS = 20;

/**
 * Looks at the end state again and again until `until`, and once at the end. What differs is told and asked about at
 * once; what could not be looked at is told once, looked at again, and asked about only when it ends like that. Nothing is
 * rolled back by it: a person says what follows. A restart goes on where it was. Throws the reason of the step's signal.
 */
export async function stayStable(ctx: Ctx, steps: readonly EarlierStep[], until: Date): Promise<End> {
  const leftMs = (): number => until.getTime() - ctx.clock.now().getTime();
  let saved = await load(ctx);
  while (!saved.isOver) {
    const look = await lookAgain(ctx, steps);
    saved = await record(ctx, saved, look);
    const isLast = leftMs() <= 0;
    if (isOpen(saved, look) && (look.answer === "differs" || isLast)) {
      const answer = await ask(ctx, saved, look);
      if (answer.as === "failed")
        return { outcome: "failed", by: answer.by, reason: failureText(answer, look) };
      saved = await answered(ctx, saved, look, answer);
      if (answer.as === "retry") continue;
    }
    if (isLast) {
      saved = { ...saved, isOver: true };
      await save(ctx, saved);
    } else await rest(ctx, saved, look, until);
  }
  const { verifiedAt, drifts } = saved;
  return { outcome: "stable", stability: { ...(verifiedAt === undefined ? {} : { verifiedAt }), drifts } };
}

/** Unless a person took exactly that as it is. */
function isOpen({ drifts }: Saved, { answer, text }: Look): boolean {
  if (answer === "same") return false;
  return !drifts.some((drift) => drift.text === text && drift.acceptedBy !== undefined);
}

async function record(ctx: Ctx, saved: Saved, look: Look): Promise<Saved> {
  const at = ctx.clock.now().toISOString();
  if (look.answer === "same") {
    ctx.progress(`verified at ${timeOf(at)}`);
    return save(ctx, { ...saved, verifiedAt: at, isBlind: false });
  }
  const said = problemOf(look);
  ctx.progress(`${said}: ${look.text}`);
  const isBlind = look.answer === "unknown";
  const isTold = isBlind ? saved.isBlind : saved.drifts.some(({ text }) => text === look.text);
  if (isTold) return save(ctx, { ...saved, isBlind });
  const told = saved.told + 1;
  const title = `${ctx.release} on ${ctx.environment.name}: ${said}`;
  await ctx.page(`drift-${told}`, { title, text: `${look.text}; ${lastVerified(saved)}` });
  const drifts = isBlind ? saved.drifts : [...saved.drifts, { at, text: look.text }].slice(-MAX_DRIFTS);
  return save(ctx, { ...saved, told, isBlind, drifts });
}

type Answer = { as: "done" | "retry" | "failed"; by: string; note: string; id: number };

async function ask(ctx: Ctx, saved: Saved, look: Look): Promise<Answer> {
  const text = `${problemOf(look)}: ${look.text}; ${lastVerified(saved)}. done: it may stay so; retry: look again; failed: do not sign off`;
  const answer = await ctx.waiting({ for: "decision", text, answers: [...usualDecisions] }, () =>
    readAnswers(ctx, undefined, ({ id, actor, body }): Answer | undefined => {
      if (body.kind !== "resolve" || id <= saved.answered) return undefined;
      if (body.as === "extend" || body.as === "promote") return undefined;
      return { as: body.as, by: actor, note: body.note, id };
    }),
  );
  if (answer === undefined) throw new Error("a question without an end ended without an answer");
  return answer;
}

function answered(ctx: Ctx, saved: Saved, { text }: Look, { as, by, note, id }: Answer): Promise<Saved> {
  if (as !== "done") return save(ctx, { ...saved, answered: id });
  const others = saved.drifts.filter((drift) => drift.text !== text);
  const at = saved.drifts.find((drift) => drift.text === text)?.at ?? ctx.clock.now().toISOString();
  return save(ctx, { ...saved, answered: id, drifts: [...others, { at, text, acceptedBy: by, note }] });
}

async function rest(ctx: Ctx, saved: Saved, look: Look, until: Date): Promise<void> {
  const leftMs = until.getTime() - ctx.clock.now().getTime();
  const blind = look.answer === "unknown" ? "; could not be looked at just now" : "";
  const text = `stable for ${ctx.with.stable}; ${lastVerified(saved)}${blind}`;
  await ctx.waiting({ for: "time", text, until: until.toISOString() }, () =>
    ctx.clock.sleep(Math.min(leftMs, parseDuration(ctx.with.every)!), ctx.signal),
  );
}

function problemOf({ answer }: Look): string {
  return answer === "differs" ? "the end state differs" : "the end state could not be looked at";
}

function lastVerified({ verifiedAt }: Saved): string {
  return verifiedAt === undefined ? "not verified yet" : `verified at ${timeOf(verifiedAt)}`;
}

function failureText({ by, note }: Answer, { text }: Look): string {
  return `${text}; ${note === "" ? `${by} does not sign off` : `${by}: ${note}`}`;
}

/** "12:31 UTC". */
function timeOf(iso: string): string {
  return `${iso.slice(11, 16)} UTC`;
}

/** Beside the step's deadline, which may be in the same state. */
async function load(ctx: Ctx): Promise<Saved> {
  const state = (await ctx.loadState()) as { stable?: Saved } | undefined;
  return state?.stable ?? { drifts: [], told: 0, answered: 0, isBlind: false, isOver: false };
}

async function save(ctx: Ctx, stable: Saved): Promise<Saved> {
  const state = ((await ctx.loadState()) ?? {}) as JsonObject;
  await ctx.saveState({ ...state, stable: stable as unknown as Json });
  return stable;
}
