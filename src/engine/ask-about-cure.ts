import { askPerson, saidText } from "./ask-person.ts";
import type { Cure } from "./cure.ts";
import type { RunExecution } from "./execution.ts";

/** Beside the ids of steps. */
const SUBJECT = "cure";

/**
 * Pages people and asks them whether the rollback cured it, where that could not be found out. What they say is added to
 * the reason, and it stays unknown: it was not measured. Undefined when it is to be measured once more. Safe to call
 * again after a crash.
 */
export async function askAboutCure(execution: RunExecution, cure: Cure): Promise<Cure | undefined> {
  const { run } = execution;
  const { release } = run.plan;
  const question = `${cure.reason}. Look, then: tminus resume ${run.id} --as done | retry | failed`;
  const answer = await askPerson(execution, SUBJECT, question, {
    isRollback: true,
    page: {
      key: "cure-unknown",
      title: `It is not known whether the rollback of ${release} from ${run.environment} helped: decide`,
      text: `${question}\n${execution.environment.view.url}`,
    },
  });
  if (answer === undefined || answer.as === "retry") return undefined;
  if (answer.as === "failed") return { ...cure, reason: `${cure.reason}; ${saidText(answer)}` };
  const note = answer.note === "" ? "" : `: ${answer.note}`;
  const reason = `${cure.reason}; taken as cured by ${answer.actor}${note}`;
  return { ...cure, reason, acceptedBy: answer.actor };
}
