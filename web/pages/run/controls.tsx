import type { SignalBody } from "../../../src/model/signal.ts";
import { usualDecisions, type DecisionWord } from "../../../src/model/decision.ts";
import { itemsToAttest, type AttestableItem } from "../../../src/model/attestation.ts";
import { approvalView } from "../../../src/report/approval-view.ts";
import { shortHash } from "../../../src/report/release-change.ts";
import type { AllowedAction, RunAction } from "../../../src/server/contract/allowed-action.ts";
import type { RunResource } from "../../../src/server/contract/run.ts";
import { get, send } from "../../api/client.ts";
import { ask, type Question } from "../../parts/ask.tsx";
import { Panel, Problem, Quiet, Time } from "../../parts/text.tsx";
import { useAttempt } from "../../parts/use-attempt.ts";
import { decisions, sentenceOf, verbs } from "../../parts/verbs.ts";
import { isStale } from "../../state/live.ts";
import type { ChangesSinceApproval, OpenRun, ShownRun } from "../../state/open-run.ts";
import { timeUntil } from "../../../src/report/watch-lines.ts";
import { now } from "../../state/now.ts";

interface ControlsProps {
  open: OpenRun;
  shown: ShownRun;
}

const steering = ["hold", "resume", "abort", "rollback"] as const;
type Steering = (typeof steering)[number];

/** The question that the run waits with and its answers, then what steers it. The server says what is there. */
export function Controls({ open, shown }: ControlsProps) {
  const { run, view } = shown;
  const actions = new Map(run.allowedActions.map((allowed) => [allowed.action, allowed]));
  if (view.state === "ended")
    return (
      <Panel title="Controls" class="controls">
        <Quiet>The run has ended. Nothing can be done with it any more.</Quiet>
        {view.isLocked && view.unlocked === undefined && (
          <p>
            {view.environment} is locked after it. <a href="/">Unlock it on Now</a>
          </p>
        )}
      </Panel>
    );
  return (
    <Panel title="Controls" class="controls">
      {view.waitingFor !== undefined && <Waiting open={open} shown={shown} actions={actions} />}
      <div class="verbs">
        <Promote open={open} shown={shown} actions={actions} />
        {steering.map((action) => {
          const allowed = actions.get(action);
          // Of the two that are opposites, the one that applies is there.
          const isOpposite = action === (view.state === "held" ? "hold" : "resume");
          return allowed === undefined || isOpposite ? null : (
            <VerbButton
              key={action}
              allowed={allowed}
              question={() => steer(action, allowed, open, run)}
              shortcut={action === "hold" ? "h" : undefined}
            />
          );
        })}
      </div>
    </Panel>
  );
}

type AllowedRunAction = AllowedAction<RunAction>;
type Actions = ReadonlyMap<RunAction, AllowedRunAction>;

function Waiting({ open, shown, actions }: ControlsProps & { actions: Actions }) {
  const { waitingFor } = shown.view;
  if (waitingFor === undefined) return null;
  const { until } = waitingFor;
  return (
    <div class="waiting">
      <p class="question">
        <span aria-hidden="true">◆ </span>
        {waitingFor.text}
      </p>
      {until !== undefined && (
        <p class="quiet">
          until <Time at={until} />, {timeUntil(Date.parse(until), now.value)} left
        </p>
      )}
      <div class="verbs">
        {waitingFor.for === "approval" && <Approval open={open} shown={shown} actions={actions} />}
        {waitingFor.for === "attestation" && <Attestation open={open} shown={shown} actions={actions} />}
        {waitingFor.for === "decision" && <Decision open={open} shown={shown} actions={actions} />}
      </div>
    </div>
  );
}

function Approval({ open, shown, actions }: ControlsProps & { actions: Actions }) {
  const { run, view } = shown;
  const stepId = view.waitingFor?.stepId;
  const [approve, reject] = [actions.get("approve"), actions.get("reject")];
  if (stepId === undefined) return null;
  return (
    <>
      {approve !== undefined && (
        <VerbButton
          allowed={approve}
          isPrimary
          shortcut="a"
          question={() => approvalQuestion(approve, stepId, open, run)}
        />
      )}
      {reject !== undefined && (
        <VerbButton
          allowed={reject}
          question={() => ({
            ...plainQuestion(reject, run),
            note: { label: "Why", isNeeded: true },
            act: (said, key) => tell(open, { kind: "reject", stepId, ...said }, key),
          })}
        />
      )}
    </>
  );
}

/** What is approved is shown first, and what was shown is sent with the approval. */
async function approvalQuestion(
  approve: AllowedRunAction,
  stepId: string,
  open: OpenRun,
  { id, plan, environment }: RunResource,
): Promise<Question> {
  const { changes } = await get<ChangesSinceApproval>(`/runs/${id}/changes`);
  const saw = approvalView(plan, changes?.changes ?? null, new Date());
  return {
    verb: "Approve",
    title: `Approve plan ${shortHash(plan.hash)} for ${environment}`,
    consequence: sentenceOf(approve),
    note: { label: "Note", isNeeded: false },
    body: (
      <div class="saw" tabIndex={0} role="region" aria-label="What the plan does">
        <p>
          Gates:{" "}
          {saw.gates.length === 0 ? "none" : saw.gates.map((gate) => `${gate.id} ${gate.verdict}`).join(", ")}
        </p>
        {changes !== null && (
          <>
            <p>
              Since {changes.by} approved plan {shortHash(changes.planHash)}:
            </p>
            <ul>
              {changes.changes.map((line) => (
                <li key={line}>{line}</li>
              ))}
            </ul>
          </>
        )}
        <ul>
          {saw.summary.map((line, index) => (
            <li key={index}>{line}</li>
          ))}
        </ul>
      </div>
    ),
    act: (said, key) => tell(open, { kind: "approve", stepId, planHash: plan.hash, saw, ...said }, key),
  };
}

function Attestation({ open, shown, actions }: ControlsProps & { actions: Actions }) {
  const { run, view, planned } = shown;
  const stepId = view.waitingFor?.stepId;
  const attest = actions.get("attest");
  const step = stepId === undefined ? undefined : planned.get(stepId);
  if (attest === undefined || stepId === undefined || step === undefined) return null;
  const said = new Set(view.said.filter(({ kind }) => kind === "attest").map(({ target }) => target));
  return (
    <>
      {itemsToAttest(step)
        .filter(({ id }) => !said.has(id))
        .map((item) => (
          <VerbButton
            key={item.id}
            word={`Attest ${item.id}`}
            allowed={{ ...attest, consequence: `${item.text}${askedOf(item)}` }}
            question={() => ({
              ...plainQuestion(attest, run),
              verb: "Attest",
              title: `Attest ${item.id}`,
              body: <p>{item.text}</p>,
              note: { label: "Note", isNeeded: item.demand === "note" },
              asksForFile: item.demand === "attachment",
              act: (said, key) => tell(open, { kind: "attest", stepId, item: item.id, ...said }, key),
            })}
          />
        ))}
    </>
  );
}

function askedOf({ owner, by = owner }: AttestableItem): string {
  return by === undefined ? "" : ` · ${by}`;
}

function Decision({ open, shown, actions }: ControlsProps & { actions: Actions }) {
  const { stepId, answers = usualDecisions } = shown.view.waitingFor ?? {};
  const resolve = actions.get("resolve");
  if (resolve === undefined || stepId === undefined) return null;
  return (
    <>
      {answers.map((as) => (
        <Answer key={as} open={open} environment={shown.run.environment} {...{ resolve, stepId, as }} />
      ))}
    </>
  );
}

/** A watch that is under way may be ended before its time. */
function Promote({ open, shown, actions }: ControlsProps & { actions: Actions }) {
  const watch = open.watched.value.value?.steps.find(({ report }) => report?.next !== undefined);
  const resolve = actions.get("resolve");
  if (watch === undefined || resolve === undefined || shown.view.waitingFor !== undefined) return null;
  const { stepId } = watch;
  return <Answer open={open} environment={shown.run.environment} {...{ resolve, stepId, as: "promote" }} />;
}

interface AnswerProps {
  open: OpenRun;
  environment: string;
  resolve: AllowedRunAction;
  stepId: string;
  as: DecisionWord;
}

function Answer({ open, environment, resolve, stepId, as }: AnswerProps) {
  const { word, consequence, destroys } = decisions[as];
  return (
    <VerbButton
      word={word}
      isDangerous={destroys}
      allowed={{ ...resolve, consequence }}
      question={() => ({
        verb: word,
        title: `${stepId}: ${word.toLowerCase()}`,
        consequence,
        ...(destroys ? { typed: environment } : {}),
        note: { label: "Why", isNeeded: as === "promote" },
        act: (said, key) => tell(open, { kind: "resolve", stepId, as, ...said }, key),
      })}
    />
  );
}

function steer(action: Steering, allowed: AllowedRunAction, open: OpenRun, run: RunResource): Question {
  return { ...plainQuestion(allowed, run), act: (said, key) => tell(open, { kind: action, ...said }, key) };
}

function plainQuestion(
  allowed: AllowedRunAction,
  { environment, release }: RunResource,
): Omit<Question, "act"> {
  const { word, destroys } = verbs[allowed.action];
  return {
    verb: word,
    title: `${word}: ${release} on ${environment}`,
    consequence: sentenceOf(allowed),
    ...(destroys ? { typed: environment } : {}),
    note: { label: "Why", isNeeded: false },
  };
}

async function tell(open: OpenRun, body: SignalBody, key: string): Promise<void> {
  await send("POST", `/runs/${open.id}/signals`, body, key);
  open.reload();
}

interface VerbButtonProps {
  allowed: AllowedRunAction;
  question: () => Question | Promise<Question>;
  word?: string;
  isPrimary?: boolean;
  isDangerous?: boolean;
  shortcut?: string | undefined;
}

/** A verb with what it does, or why it is not to be had, in one sentence. */
function VerbButton({ allowed, question, word, isPrimary, isDangerous, shortcut }: VerbButtonProps) {
  const { action, isAllowed } = allowed;
  const name = word ?? verbs[action].word;
  const id = `why-${name.replaceAll(/\W+/g, "-")}`;
  const danger = isDangerous ?? verbs[action].destroys;
  const { problem, attempt } = useAttempt();
  const reach = (): Promise<void> => attempt(async () => ask(await question()));
  return (
    <div class={`verb ${isAllowed ? "" : "not-allowed"}`}>
      <button
        type="button"
        class={isPrimary === true ? "primary" : danger ? "danger" : ""}
        disabled={!isAllowed || isStale.value}
        data-key={shortcut}
        aria-keyshortcuts={shortcut}
        aria-describedby={id}
        onClick={() => void reach()}
      >
        {name}
      </button>
      <span id={id} class="sentence">
        {isStale.value ? "What is shown is old." : sentenceOf(allowed)}
      </span>
      <Problem error={problem} />
    </div>
  );
}
