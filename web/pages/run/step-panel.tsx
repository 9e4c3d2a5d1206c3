import { useState } from "preact/hooks";
import type { RunEvent } from "../../../src/model/run.ts";
import type { PlannedStep } from "../../../src/model/plan.ts";
import { stepMarks } from "../../../src/report/run-marks.ts";
import type { StepView } from "../../../src/report/run-view.ts";
import { undoText } from "../../../src/report/undo-text.ts";
import { getText } from "../../api/client.ts";
import { Output } from "../../parts/output.tsx";
import { clockText, Panel, Problem, Quiet, StateMark } from "../../parts/text.tsx";
import { useAttempt } from "../../parts/use-attempt.ts";
import type { ShownRun } from "../../state/open-run.ts";

const MAX_LINES = 1000;

/** What the selected step is to do, what it said, and its proof. */
export function StepPanel({ shown: { events, planned }, step }: { shown: ShownRun; step: StepView }) {
  const plan = planned.get(step.id);
  const lines = logOf(events, step.id);
  return (
    <Panel title={step.title} class="step-panel" aside={<StateMark {...stepMarks[step.state]} />}>
      <p class="quiet">
        <code>{step.id}</code> · {step.kind}
      </p>
      {step.failure !== undefined && (
        <p class="red">
          <span aria-hidden="true">✗ </span>
          {step.failure}
        </p>
      )}
      {plan !== undefined && <Planned plan={plan} />}
      <h3>Log</h3>
      {lines === "" ? (
        <Quiet>It has not said anything yet.</Quiet>
      ) : (
        <Output text={lines} label={`Log of ${step.id}`} />
      )}
      <Evidence evidence={step.evidence} />
    </Panel>
  );
}

function Planned({ plan: { summary, undo } }: { plan: PlannedStep }) {
  return (
    <>
      <ul class="summary">
        {summary.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p class="quiet">{undoText(undo)}</p>
    </>
  );
}

/** What the step's events say, a line each, with their colours. */
function logOf(events: readonly RunEvent[], stepId: string): string {
  return events
    .filter(({ data }) => data.stepId === stepId)
    .slice(-MAX_LINES)
    .map(({ at, type, data }) => {
      const said = [data.text, data.reason, data.note].filter(
        (part): part is string => typeof part === "string" && part !== "",
      );
      return `${clockText(at.getTime())}  ${type.padEnd(15)} ${said.join(" · ")}\u001b[0m`;
    })
    .join("\n");
}

function Evidence({ evidence }: { evidence: Readonly<Record<string, string>> }) {
  const [opened, setOpened] = useState<{ name: string; text: string }>();
  const { problem, attempt } = useAttempt();
  const names = Object.entries(evidence);
  if (names.length === 0) return null;
  const read = (name: string, sha256: string): Promise<void> =>
    attempt(async () => setOpened({ name, text: await getText(`/evidence/${sha256}`) }));
  return (
    <>
      <h3>Evidence</h3>
      <div class="buttons start">
        {names.map(([name, sha256]) => (
          <button
            key={name}
            type="button"
            class="small"
            title={`SHA-256 ${sha256}`}
            aria-pressed={opened?.name === name}
            onClick={() => void read(name, sha256)}
          >
            {name}
          </button>
        ))}
      </div>
      <Problem error={problem} />
      {opened !== undefined && <Output text={opened.text} label={`Evidence ${opened.name}`} />}
    </>
  );
}
