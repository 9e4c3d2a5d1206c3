import type { EndState, RunVerdict } from "../model/run.ts";
import type { Cure } from "./cure.ts";
import type { RunExecution } from "./execution.ts";
import { page } from "./page.ts";
import type { UndoReport } from "./undo.ts";

/** No step's id has this sign. */
const SUBJECT = "#run";

/** Tells people that a rollback did not bring the service back, before the run ends with that. */
export async function pageFailedRollback(
  execution: RunExecution,
  {
    verdict,
    report,
    cure,
    endState,
  }: { verdict: RunVerdict; report: UndoReport; cure: Cure; endState: EndState },
): Promise<void> {
  const { run } = execution;
  const sentences = [
    `rolled back because: ${verdict.reason}`,
    ...report.failed.map(({ stepId, reason }) => `${stepId} could not be undone: ${reason}`),
    ...(cure.verdict === "pass" ? [] : [cure.reason]),
    ...(endState.verdict === "verified" ? [] : [`the end state is ${endState.verdict}: ${endState.reason}`]),
    `look at it: tminus show ${run.id}`,
  ];
  await page(execution, SUBJECT, "rollback-failed", {
    title: `The rollback of ${run.plan.release} from ${run.environment} did not bring the service back`,
    text: sentences.join("\n"),
  });
}
