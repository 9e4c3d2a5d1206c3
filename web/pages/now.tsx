import { useEffect } from "preact/hooks";
import type { EnvironmentResource, TaskResource } from "../../src/server/contract/environment.ts";
import { waitsForPerson } from "../../src/model/waits-for-person.ts";
import type { AllowedAction } from "../../src/server/contract/allowed-action.ts";
import type { RunSummary } from "../../src/server/contract/run.ts";
import { send } from "../api/client.ts";
import { ask } from "../parts/ask.tsx";
import { RunRow } from "../parts/run-row.tsx";
import { Panel, Problem, Quiet, StateMark, Time, Title } from "../parts/text.tsx";
import { sentenceOf } from "../parts/verbs.ts";
import { environments, refreshLists, tasks } from "../state/lists.ts";
import { isStale } from "../state/live.ts";

const REFRESH_MS = 30_000;

/** What is live, what runs, and what needs somebody, first. */
export function Now() {
  useEffect(() => {
    refreshLists("/");
    // Windows open by the clock, and not everything that changes traffic is an event.
    const timer = setInterval(() => refreshLists("/"), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const all = environments.value.value?.environments;
  const waiting = (all ?? []).flatMap(({ active }) => active.filter(waitsForPerson));
  const due = tasks.value.value?.tasks ?? [];
  return (
    <>
      <Title>Now</Title>
      <Problem error={environments.problem.value} />
      <NeedsYou runs={waiting} due={due} environments={all ?? []} />
      {all === undefined && environments.problem.value === undefined && <Quiet>Looking …</Quiet>}
      <div class="cards">
        {all?.map((environment) => (
          <EnvironmentCard key={environment.name} environment={environment} />
        ))}
      </div>
    </>
  );
}

interface NeedsYouProps {
  runs: readonly RunSummary[];
  due: readonly TaskResource[];
  environments: readonly EnvironmentResource[];
}

function NeedsYou({ runs, due, environments: all }: NeedsYouProps) {
  const locked = all.filter(({ lock }) => lock !== undefined);
  const overdue = all.flatMap(({ overdueItems }) => overdueItems);
  if (runs.length + due.length + locked.length + overdue.length === 0) return null;
  return (
    <Panel title="Needs somebody" class="needs">
      {runs.map((run) => (
        <RunRow key={run.id} run={run} />
      ))}
      {locked.map(({ name, lock }) => (
        <p key={name} class="line">
          <StateMark icon="■" word="LOCKED" paint="red" /> <strong>{name}</strong> since run{" "}
          <a href={`/runs/${lock!.runId}`}>{lock!.runId}</a>: {lock!.reason}
        </p>
      ))}
      {overdue.map(({ run, step, item, owner, dueAt }) => (
        <p key={`${run} ${step} ${item}`} class="line">
          <StateMark icon="◇" word="OVERDUE" paint="red" /> <strong>{item}</strong> of run{" "}
          <a href={`/runs/${run}`}>{run}</a> · due <Time at={dueAt} />
          {owner !== undefined && ` · ${owner}`}
        </p>
      ))}
      {due.map((task) => (
        <TaskLine key={task.name} task={task} />
      ))}
    </Panel>
  );
}

function TaskLine({ task }: { task: TaskResource }) {
  const { name, environment, text, dueAt, isOverdue, owner, evidence, allowedActions } = task;
  const closing = allowedActions[0]!;
  const close = (): void =>
    ask({
      verb: "Close",
      title: `Close task ${name}`,
      consequence: sentenceOf(closing),
      note: { label: "What was done", isNeeded: true },
      asksForFile: evidence === "attachment",
      body: <p>{text}</p>,
      act: async (said, key) => {
        await send("POST", `/tasks/${encodeURIComponent(name)}/close`, said, key);
        tasks.refresh();
      },
    });
  return (
    <p class="line">
      <StateMark icon="◇" word={isOverdue ? "OVERDUE" : "TO DO"} paint={isOverdue ? "red" : "yellow"} />{" "}
      <strong>{environment}</strong> {text} · due <Time at={dueAt} />
      {owner !== undefined && ` · ${owner}`}{" "}
      <button
        type="button"
        class="small"
        disabled={!closing.isAllowed || isStale.value}
        title={sentenceOf(closing)}
        onClick={close}
      >
        Close task {name}
      </button>
    </p>
  );
}

function EnvironmentCard({ environment }: { environment: EnvironmentResource }) {
  const { name, url, isProtected, active, last, windows, allowedActions, worker } = environment;
  return (
    <Panel
      title={name}
      class="environment"
      aside={
        <>
          {isProtected && <span class="badge">protected</span>}
          <a href={url} rel="noreferrer" target="_blank">
            {new URL(url).host}
          </a>
        </>
      }
    >
      <Live environment={environment} />
      <p class="line">
        {windows.isOpen ? (
          <StateMark icon="✓" word="OPEN" paint="green" />
        ) : (
          <StateMark icon="■" word="CLOSED" paint="yellow" />
        )}{" "}
        {windows.text}
      </p>
      {active.map((run) => (
        <RunRow key={run.id} run={run} withEnvironment={false} />
      ))}
      {active.length > 0 && worker !== undefined && (
        <p class="quiet">
          carried out by {worker.name}, heard of <Time at={worker.heartbeatAt} />
        </p>
      )}
      {active.length === 0 && last !== undefined && <RunRow run={last} withEnvironment={false} />}
      {active.length === 0 && last === undefined && <Quiet>Nothing was deployed by tminus yet.</Quiet>}
      <div class="verbs">
        {allowedActions
          .filter(({ action }) => action === "deploy" || action === "unlock")
          .filter(
            ({ action, isAllowed }) => action === "deploy" || isAllowed || environment.lock !== undefined,
          )
          .map((allowed) => (
            <EnvironmentVerb key={allowed.action} environment={environment} allowed={allowed} />
          ))}
      </div>
    </Panel>
  );
}

/** What the target says itself, so that it is no belief. */
function Live({ environment: { traffic } }: { environment: EnvironmentResource }) {
  if (traffic.state === "unknown")
    return (
      <p class="live-release">
        <StateMark icon="?" word="UNKNOWN" paint="yellow" /> {traffic.reason}
      </p>
    );
  const routes = traffic.state === "present" ? traffic.value.routes.filter(({ percent }) => percent > 0) : [];
  if (routes.length === 0)
    return (
      <p class="live-release">
        <StateMark icon="○" word="NOTHING LIVE" paint="dim" />
      </p>
    );
  return (
    <p class="live-release">
      <span class="label">live</span>
      {routes.map(({ release, percent }) => (
        <span key={release}>
          <strong class="big-release">{release}</strong>
          {routes.length > 1 && ` ${percent} %`}
        </span>
      ))}
    </p>
  );
}

interface EnvironmentVerbProps {
  environment: EnvironmentResource;
  allowed: AllowedAction;
}

function EnvironmentVerb({ environment: { name, lock }, allowed }: EnvironmentVerbProps) {
  const { action, isAllowed } = allowed;
  const sentence = sentenceOf(allowed);
  const id = `why-${name}-${action}`;
  const unlock = (): void =>
    ask({
      verb: "Unlock",
      title: `Unlock ${name}`,
      consequence: sentence,
      typed: name,
      note: { label: "Why it may be deployed to again", isNeeded: true },
      body: <p>It was locked: {lock?.reason}</p>,
      act: async ({ note }, key) => {
        await send("POST", `/environments/${encodeURIComponent(name)}/unlock`, { reason: note }, key);
        environments.refresh();
      },
    });
  return (
    <div class="verb">
      {action === "deploy" && isAllowed ? (
        <a class="button" href={`/plan?environment=${encodeURIComponent(name)}`} aria-describedby={id}>
          Plan a release
        </a>
      ) : (
        <button
          type="button"
          disabled={!isAllowed || isStale.value}
          aria-describedby={id}
          onClick={action === "unlock" ? unlock : undefined}
        >
          {action === "deploy" ? "Plan a release" : "Unlock"}
        </button>
      )}
      <span id={id} class="sentence">
        {sentence}
      </span>
    </div>
  );
}
