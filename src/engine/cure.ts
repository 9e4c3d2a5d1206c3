import type { JsonObject } from "../model/json.ts";
import type { RunVerdict } from "../model/run.ts";
import type { Verdict } from "../model/verdict.ts";
import { judgeErrors, measureErrors } from "./cure-errors.ts";
import { askFailedStep } from "./cure-step.ts";
import type { RunExecution } from "./execution.ts";

const LOOK_EVERY_MS = 250;
const LOOK_TIMEOUT_MS = 3_000;

export interface Cure {
  verdict: Verdict["verdict"];
  /** One sentence; when it is not cured it says so. */
  reason: string;
  evidence: JsonObject;
  /** What the step that failed kept as proof: name → SHA-256. */
  proofs: Record<string, string>;
  /** Who said that it is cured where it could not be found out. */
  acceptedBy?: string;
}

/**
 * Observes what serves now for the plan's cure window after a rollback: own probes of the public URL, the share of
 * failed requests in every source that counts them, and what the step whose failure caused the rollback says about
 * that failure. All have to be good; what could not be found out is no success. A source that could not tell does not count
 * beside one that saw. Requirement F3.
 */
export async function checkCure(execution: RunExecution, verdict: RunVerdict): Promise<Cure> {
  const serving = await servingNow(execution);
  const [probes, sources, step] = await Promise.all([
    probeAll(execution),
    measureErrors(execution, serving),
    askFailedStep(execution, verdict, serving),
  ]);
  const saw = sources.filter((source) => source.verdict !== "unknown");
  const measured = saw.length > 0 ? saw : sources;
  const parts = [probes, ...measured, ...(step === undefined ? [] : [step.verdict])];
  const evidence = {
    probes: probes.evidence ?? null,
    sources: sources.map((source) => source.evidence ?? null),
    step: step?.verdict.evidence ?? null,
  };
  const unseen = sources.filter((source) => !measured.includes(source)).map(({ reason }) => reason);
  return { ...worstOf(parts, sources.length, unseen), evidence, proofs: step?.proofs ?? {} };
}

/** The releases that have traffic now by the target's word, else those that had it when the run was planned. */
async function servingNow({ environment, run }: RunExecution): Promise<string[]> {
  const traffic = await environment.target.traffic().catch(() => undefined); // then it is not known
  const routes = traffic?.state === "present" ? traffic.value.routes : run.plan.live;
  return routes.filter(({ percent }) => percent > 0).map(({ release }) => release);
}

async function probeAll({ ports, environment, run, lost }: RunExecution): Promise<Verdict> {
  const until = ports.clock.monotonicMs() + run.plan.rollback.cureMs;
  let probes = 0;
  let failed = 0;
  let silent = 0;
  let silence = "";
  do {
    const answer = await ports.probe(environment.view.url, LOOK_TIMEOUT_MS, lost);
    probes++;
    if (answer.state === "silent") {
      silence = answer.reason;
      silent++;
    }
    if (answer.state === "silent" || answer.status >= 500) failed++;
    await ports.clock.sleep(LOOK_EVERY_MS, lost);
  } while (ports.clock.monotonicMs() < until);
  const evidence = { probes, failed };
  if (silent === probes) {
    const reason = `the service did not answer once in ${probes} probes: ${silence}`;
    return { verdict: "unknown", reason, evidence };
  }
  if (failed === 0) return { verdict: "pass", reason: `${probes} probes answered well`, evidence };
  const { verdict, words } = judgeErrors(run.plan, { bad: failed, total: probes });
  return { verdict, reason: `probes: ${words}`, evidence };
}

function worstOf(
  parts: readonly Verdict[],
  sources: number,
  unseen: readonly string[],
): Pick<Cure, "verdict" | "reason"> {
  const reasons = (verdict: Verdict["verdict"]): string[] =>
    parts.filter((part) => part.verdict === verdict).map(({ reason }) => reason);
  const failed = reasons("fail");
  if (failed.length > 0) {
    return { verdict: "fail", reason: `rollback did not cure it, look elsewhere: ${failed.join("; ")}` };
  }
  const unknown = reasons("unknown");
  if (unknown.length > 0) {
    const reason = `it is not known whether the rollback cured it: ${unknown.join("; ")}`;
    return { verdict: "unknown", reason };
  }
  const unmeasured = sources === 0 ? ["no source counts failed requests"] : [];
  const uncounted = unseen.map((reason) => `not counted, ${reason}`);
  return { verdict: "pass", reason: [...reasons("pass"), ...unmeasured, ...uncounted].join("; ") };
}
