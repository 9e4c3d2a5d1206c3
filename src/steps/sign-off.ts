import { suggest } from "../lib/did-you-mean.ts";
import { parseDuration } from "../lib/duration.ts";
import type { PlanStepInput, StepContext, StepForecast, StepResult } from "../model/step-kind.ts";
import type { Signal } from "../model/signal.ts";
import { attest, type Attestation } from "./checklist/attestation.ts";
import { defineStep } from "./define.ts";
import { durableDeadline } from "./durable-deadline.ts";
import { sameName } from "../model/person-name.ts";
import { NO_LIMIT_MS } from "./no-limit.ts";
import { readAnswers } from "./read-answers.ts";
import { documentOf, type Exhibit } from "./sign-off/document.ts";
import { judge } from "./sign-off/judge.ts";
import { stayStable } from "./sign-off/stay-stable.ts";
import { signOffSchema, type SignOffSettings } from "./sign-off/schema.ts";

type Ctx = StepContext<SignOffSettings, null>;

/** The end of a release: done only with its evidence. */
export const signOff = defineStep({
  kind: "sign-off",
  version: 2,
  inRollback: false,
  changesNothing: true,
  summary:
    "Ends a release: waits until earlier steps are proven good, people have attested, and it was stable for a time, in which it looks again and again whether all is still the same. Never passes what is missing or unknown by itself.",
  requirements: ["E6"],
  schema: signOffSchema,
  example: `evidence: [smoke, watch]
attest:
  - { id: support, text: Support has no new complaints, by: lena }
stable: 24h
`,
  plan: forecast,
  observe: async () => ({ state: "absent", reason: "what is on record is looked at again; nothing is lost" }),
  act,
});

function forecast({ with: settings, stepsBefore }: PlanStepInput<SignOffSettings, null>): StepForecast {
  const { evidence, attest: statements, stable, every } = settings;
  const foreign = evidence.filter((id) => !stepsBefore.includes(id));
  return {
    summary: [
      ...(evidence.length === 0
        ? []
        : [`needs ${evidence.join(", ")} to be good; asks about each that is not`]),
      ...statements.map(({ id, text, by }) => `asks for ${id}: ${text}${by === undefined ? "" : ` (${by})`}`),
      ...(stable === undefined
        ? []
        : [
            `not before ${stable} after T-0 and after the last change of traffic; looks every ${every} whether all is still the same`,
          ]),
    ],
    risk: "low",
    durationMs: stable === undefined ? 0 : parseDuration(stable)!,
    timeoutMs: NO_LIMIT_MS,
    undo: { how: "none-needed", text: "signing changes nothing" },
    inputs: [],
    blocked: foreign.map((id) => ({
      reason: `its evidence ${id} is no step that runs before it in this environment`,
      fix: suggest(id, stepsBefore, "Steps before it") || "name a step that runs before it",
    })),
  };
}

async function act(ctx: Ctx): Promise<StepResult> {
  const exhibits = await collect(ctx);
  const stableAt = await stableFrom(ctx);
  const attested = await attestations(ctx, exhibits, stableAt);
  if (stableAt === undefined) return documentOf(ctx, exhibits, attested, undefined);
  const end = await stayStable(
    ctx,
    exhibits.flatMap(({ step }) => step ?? []),
    stableAt,
  );
  if (end.outcome === "failed")
    return { outcome: "failed", reason: end.reason, result: { verdict: "fail", decidedBy: end.by } };
  return documentOf(ctx, exhibits, attested, { until: stableAt, ...end.stability });
}

/** What is on record of every step named, with the outcome itself kept as proof. */
async function collect(ctx: Ctx): Promise<Exhibit[]> {
  const exhibits: Exhibit[] = [];
  for (const id of ctx.with.evidence) {
    const step = await ctx.earlier(id);
    const { evidence = {}, ...outcome } = step ?? {};
    const sha256 = await ctx.evidence(`outcome-${id}.json`, JSON.stringify(outcome, undefined, 2));
    const proofs = [...Object.entries(evidence), ["outcome", sha256] as const];
    exhibits.push({
      id,
      step,
      ...judge(step),
      proofs: proofs.map(([name, hash]) => ({ name, sha256: hash })),
    });
  }
  return exhibits;
}

/** Undefined when it need not have been stable for any time. */
async function stableFrom(ctx: Ctx): Promise<Date | undefined> {
  if (ctx.with.stable === undefined) return undefined;
  const ms = parseDuration(ctx.with.stable)!;
  const since = [ctx.zeroAt, ctx.trafficMovedAt].flatMap((at) => at?.getTime() ?? []);
  return since.length === 0 ? durableDeadline(ctx, ms) : new Date(Math.max(...since) + ms);
}

/** Waits until every statement is made, and every step that is not proven good has been attested with a note. */
async function attestations(
  ctx: Ctx,
  exhibits: readonly Exhibit[],
  stableAt: Date | undefined,
): Promise<Map<string, Attestation>> {
  const unproven = exhibits.filter(({ verdict }) => verdict !== "good");
  const items: { id: string; text: string; by?: string | undefined }[] = [
    ...unproven.map(({ id, verdict, reason }) => ({ id, text: `${verdict}: ${reason}` })),
    ...ctx.with.attest,
  ];
  const attested = new Map<string, Attestation>();
  const missing = (): string[] => items.filter(({ id }) => !attested.has(id)).map(({ id }) => id);
  if (missing().length === 0) return attested;
  const notBefore = stableAt === undefined ? "" : `; signed off not before ${stableAt.toISOString()}`;
  const asked = items.map(({ id, text, by }) => `${id}: ${text}${by === undefined ? "" : ` (${by})`}`);
  const text = `${asked.join("; ")}${notBefore}`;
  await ctx.waiting({ for: "attestation", text }, () =>
    readAnswers(ctx, undefined, (signal) => {
      const refusal = whyNotCounted(ctx, unproven, signal);
      if (refusal === undefined) attest(attested, items, signal);
      const left = missing();
      const waits = left.length === 0 ? "everything is attested" : `waits for ${left.join(", ")}`;
      ctx.progress(refusal === undefined ? waits : `${refusal}; ${waits}`);
      return left.length === 0 ? true : undefined;
    }),
  );
  return attested;
}

function whyNotCounted(
  { with: settings }: Ctx,
  unproven: readonly Exhibit[],
  { body, actor, at }: Signal,
): string | undefined {
  if (body.kind !== "attest") return undefined;
  const by = settings.attest.find(({ id }) => id === body.item)?.by;
  if (by !== undefined && !sameName(by, actor))
    return `${body.item} is for ${by} to attest, not for ${actor}`;
  const exhibit = unproven.find(({ id }) => id === body.item);
  if (exhibit === undefined) return undefined;
  if (body.note.trim() === "") return `${actor} attested ${body.item} without a note`;
  // Said before it was known what there is to accept.
  const endedAt = exhibit.step?.endedAt;
  if (endedAt !== undefined && at <= endedAt) return `${actor} attested ${body.item} before it had ended`;
  return undefined;
}
