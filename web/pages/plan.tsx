import { useLocation } from "preact-iso/router";
import { useState } from "preact/hooks";
import type { Plan } from "../../src/model/plan.ts";
import { formatDuration, formatOffset } from "../../src/lib/duration.ts";
import { releaseChange, shortHash } from "../../src/report/release-change.ts";
import { timelineLines } from "../../src/report/timeline-text.ts";
import { undoText } from "../../src/report/undo-text.ts";
import type { AllowedAction } from "../../src/server/contract/allowed-action.ts";
import type { RunSummary } from "../../src/server/contract/run.ts";
import { make, send } from "../api/client.ts";
import { ask } from "../parts/ask.tsx";
import { Panel, Problem, Quiet, StateMark, Title } from "../parts/text.tsx";
import { sentenceOf } from "../parts/verbs.ts";
import { isStale } from "../state/live.ts";
import { textOf, useForm } from "../parts/use-attempt.ts";
import { session } from "../state/session.ts";
import { Board } from "./run/board.tsx";

interface MadePlan {
  plan: Plan;
  isBlocked: boolean;
  summary: string;
  allowedActions: AllowedAction[];
}

/** A plan is made, which changes nothing; is read; and then exactly it is started. */
export function PlanPage() {
  const { query, route } = useLocation();
  const [made, setMade] = useState<MadePlan>();
  const [doing, setDoing] = useState("");
  const { problem, isBusy, submit } = useForm(async (form) => {
    const at = textOf(form, "at").trim();
    setMade(undefined);
    setDoing("");
    const wanted = {
      environment: textOf(form, "environment"),
      release: textOf(form, "release").trim(),
      purpose: textOf(form, "purpose"),
      ...(at === "" ? {} : { at }),
    };
    setMade(await make<MadePlan>("/plans/told", wanted, setDoing));
  });
  return (
    <>
      <Title>Plan</Title>
      <form class="panel filters" onSubmit={submit}>
        <label>
          <span>Environment</span>
          <select name="environment" defaultValue={query.environment}>
            {session.value?.environments.map(({ name }) => (
              <option key={name} selected={name === query.environment}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Release</span>
          <input
            name="release"
            required
            maxLength={200}
            autocomplete="off"
            defaultValue={query.release ?? ""}
          />
        </label>
        <label>
          <span>Purpose</span>
          <select name="purpose">
            <option value="deploy">deploy</option>
            <option value="rollback" selected={query.purpose === "rollback"}>
              rollback
            </option>
          </select>
        </label>
        <label>
          <span>T-0, if not at once</span>
          <input name="at" size={34} placeholder="2026-12-01 10:00 America/New_York" autocomplete="off" />
        </label>
        <button type="submit" class="primary" disabled={isBusy || isStale.value}>
          {isBusy ? "Making the plan …" : "Make the plan"}
        </button>
      </form>
      <Problem error={problem} />
      {isBusy && <Quiet>{doing}</Quiet>}
      {made === undefined && !isBusy && problem === undefined && (
        <Quiet>Making a plan looks at everything that it rests on, and changes nothing.</Quiet>
      )}
      {made !== undefined && <Reading made={made} started={(run) => route(`/runs/${run.id}`)} />}
    </>
  );
}

function Reading({ made, started }: { made: MadePlan; started: (run: RunSummary) => void }) {
  const { plan, isBlocked, summary } = made;
  const times = timelineLines(plan);
  return (
    <div class="plan">
      <Panel
        title={`Plan ${shortHash(plan.hash)}`}
        aside={
          isBlocked ? (
            <StateMark icon="✗" word="BLOCKED" paint="red" />
          ) : (
            <StateMark icon="✓" word="READY" paint="green" />
          )
        }
      >
        <p class="big-line">
          {plan.environment.name} <span class="release">{releaseChange(plan)}</span>
          {plan.purpose === "rollback" && <span class="badge">rollback</span>}
        </p>
        <p>{summary}</p>
        {plan.window !== undefined && <p>window: {plan.window.text}</p>}
        {plan.blocked.map(({ where, reason, fix }) => (
          <p key={where} class="red">
            <span aria-hidden="true">✗ </span>
            {where}: {reason}
            {fix !== undefined && <span class="fix"> fix: {fix}</span>}
          </p>
        ))}
        <Start made={made} started={started} />
      </Panel>
      <Board plan={plan} isHero />
      {times.length > 0 && (
        <Panel title="Times">
          <ul class="summary">
            {times.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </Panel>
      )}
      <Steps plan={plan} />
      <Panel title="Made from">
        <dl class="facts">
          {plan.inputs.map(({ name, digest }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{/^[0-9a-f]{40,}$/.test(digest) ? digest.slice(0, 12) : digest}</code>
              </dd>
            </div>
          ))}
        </dl>
      </Panel>
    </div>
  );
}

function Start({
  made: { plan, allowedActions },
  started,
}: {
  made: MadePlan;
  started: (run: RunSummary) => void;
}) {
  const starting = allowedActions[0]!;
  const isClosed = plan.purpose === "deploy" && plan.window?.isOpen === false;
  const consequence =
    starting.isAllowed && isClosed
      ? "The run keeps its place in the queue and begins when the next window opens."
      : sentenceOf(starting);
  const { name } = plan.environment;
  const start = (): void =>
    ask({
      verb: "Start this plan",
      title: `Start plan ${shortHash(plan.hash)} on ${name}`,
      consequence,
      act: async (_said, key) =>
        started(await send<RunSummary>("POST", "/runs", { plan, waitForWindow: isClosed }, key)),
    });
  return (
    <div class="verb">
      <button
        type="button"
        class="primary"
        disabled={!starting.isAllowed || isStale.value}
        onClick={start}
        aria-describedby="why-start"
      >
        Start this plan
      </button>
      <span id="why-start" class="sentence">
        {consequence}
      </span>
    </div>
  );
}

function Steps({ plan }: { plan: Plan }) {
  return (
    <Panel title="Steps">
      {plan.stages.map((stage) => (
        <section key={stage.id} aria-label={stage.title}>
          <h3 class="stage-head">
            <span>{stage.title}</span> <span class="quiet">{stage.risk} risk</span>
          </h3>
          {stage.success.map((line) => (
            <p key={line} class="quiet">
              good when: {line}
            </p>
          ))}
          <ol class="planned-steps">
            {stage.steps.map((step) => (
              <li key={step.id}>
                <strong>{step.title}</strong>{" "}
                <span class="quiet">
                  {step.kind}
                  {step.offsetMs !== undefined && ` · ${formatOffset(step.offsetMs)}`}
                  {step.durationMs > 0 && ` · about ${formatDuration(step.durationMs)}`} · {step.risk} risk
                  {step.onFailure === "hold" && " · holds on failure"}
                </span>
                <ul class="summary">
                  {step.summary.map((line) => (
                    <li key={line}>{line}</li>
                  ))}
                </ul>
                <p class={step.undo.how === "irreversible" ? "yellow" : "quiet"}>{undoText(step.undo)}</p>
              </li>
            ))}
          </ol>
        </section>
      ))}
    </Panel>
  );
}
