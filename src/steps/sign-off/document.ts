import type { JsonObject } from "../../model/json.ts";
import type { EarlierStep, StepContext, StepResult } from "../../model/step-kind.ts";
import type { Attestation } from "../checklist/attestation.ts";
import type { Proof } from "./judge.ts";
import type { Drift, Stability } from "./stay-stable.ts";
import type { SignOffSettings } from "./schema.ts";

/** One of the steps that a sign-off rests on. */
export interface Exhibit extends Proof {
  id: string;
  step: EarlierStep | undefined;
  proofs: { name: string; sha256: string }[];
}

type Ctx = StepContext<SignOffSettings, null>;

/**
 * The outcome of a sign-off with everything in place, and its document as evidence: each item with the SHA-256 of its
 * proof, who, and when. The same whenever it is written again.
 */
export async function documentOf(
  ctx: Ctx,
  exhibits: readonly Exhibit[],
  attested: ReadonlyMap<string, Attestation>,
  stable: ({ until: Date } & Stability) | undefined,
): Promise<StepResult> {
  const said = [...attested.values()];
  const statements = said.length === 0 ? "" : await ctx.evidence("attestations.json", pretty(said));
  const document = {
    run: ctx.runId,
    release: ctx.release,
    environment: ctx.environment.name,
    plan: ctx.planHash,
    evidence: exhibits.map((exhibit) => exhibitOf(exhibit, attested.get(exhibit.id), statements)),
    attest: ctx.with.attest.map(({ id, text }) => ({
      id,
      text,
      ...whoOf(attested.get(id), statements),
    })),
    stable:
      stable === undefined
        ? null
        : {
            for: ctx.with.stable ?? "",
            zeroAt: iso(ctx.zeroAt),
            trafficMovedAt: iso(ctx.trafficMovedAt),
            until: iso(stable.until),
            verifiedAt: stable.verifiedAt ?? null,
            drifts: stable.drifts,
          },
  };
  const sha256 = await ctx.evidence("sign-off.json", pretty(document));
  const accepted = exhibits.filter(({ verdict }) => verdict !== "good");
  const drifts = stable?.drifts.filter(({ acceptedBy }) => acceptedBy !== undefined) ?? [];
  const verdict = accepted.length + drifts.length === 0 ? "pass" : "accepted";
  return {
    outcome: "done",
    reason: reasonOf(ctx, exhibits, said, drifts),
    result: { verdict, document: sha256 },
  };
}

function exhibitOf(
  { id, step, verdict, reason, proofs }: Exhibit,
  attestation: Attestation | undefined,
  statements: string,
): JsonObject {
  const acceptedBy = step?.result.acceptedBy;
  return {
    step: id,
    kind: step?.kind ?? null,
    verdict,
    reason,
    endedAt: iso(step?.endedAt),
    ...(typeof acceptedBy === "string" ? { acceptedBy } : {}),
    proofs,
    ...(attestation === undefined ? {} : { attested: whoOf(attestation, statements) }),
  };
}

function whoOf(attestation: Attestation | undefined, sha256: string): JsonObject {
  if (attestation === undefined) return {};
  const { by, at, note } = attestation;
  return { by, at, note, sha256 };
}

function reasonOf(
  ctx: Ctx,
  exhibits: readonly Exhibit[],
  said: readonly Attestation[],
  drifts: readonly Drift[],
): string {
  const namesOf = (verdict: Proof["verdict"]): string =>
    exhibits
      .filter((exhibit) => exhibit.verdict === verdict)
      .map(({ id }) => id)
      .join(", ");
  const people = [...new Set(said.map(({ by }) => by))].join(", ");
  const parts = [
    ["proven good: ", namesOf("good")],
    ["accepted by people: ", namesOf("accepted")],
    ["not proven, attested all the same: ", namesOf("open")],
    ["attested by ", people],
    ["stable for ", ctx.with.stable ?? ""],
    ["differences accepted: ", drifts.map(({ text, acceptedBy }) => `${text} (${acceptedBy})`).join(", ")],
  ];
  return parts
    .filter(([, text]) => text !== "")
    .map((part) => part.join(""))
    .join("; ");
}

function iso(at: Date | undefined): string | null {
  return at?.toISOString() ?? null;
}

function pretty(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
