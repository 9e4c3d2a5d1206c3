import { useEffect, useMemo } from "preact/hooks";
import { stepsOf } from "../../src/model/plan-steps.ts";
import type { PlannedStep } from "../../src/model/plan.ts";
import { releaseChange } from "../../src/report/release-change.ts";
import { runMark } from "../../src/report/run-marks.ts";
import type { RunResource, RunSummary } from "../../src/server/contract/run.ts";
import { Panel, Problem, Quiet, StateMark, Time, Title } from "../parts/text.tsx";
import { resource } from "../state/resource.ts";
import { session } from "../state/session.ts";

/** What the last runs planned for the database. What the database itself says is asked on the command line. */
export function Database() {
  return (
    <>
      <Title>Database</Title>
      <p class="quiet">
        What the newest run of each environment has planned for its database. What the database itself says
        now, of migrations, backups, drift and locks, the server does not tell yet: ask{" "}
        <code>tminus db status</code>, <code>tminus db drift</code> and <code>tminus db stalled</code>.
      </p>
      {session.value?.environments.map(({ name }) => (
        <DatabaseOf key={name} environment={name} />
      ))}
    </>
  );
}

function DatabaseOf({ environment }: { environment: string }) {
  const newest = useMemo(
    () =>
      resource<{ runs: RunSummary[] }>(() => `/runs?environment=${encodeURIComponent(environment)}&limit=1`),
    [environment],
  );
  useEffect(() => newest.refresh(), [newest]);
  const id = newest.value.value?.runs[0]?.id;
  const run = useMemo(
    () => resource<RunResource>(() => (id === undefined ? undefined : `/runs/${id}`)),
    [id],
  );
  useEffect(() => run.refresh(), [run]);
  const found = run.value.value;
  const steps = found === undefined ? [] : stepsOf(found.plan).filter(({ kind }) => kind.startsWith("db."));
  return (
    <Panel title={environment}>
      <Problem error={newest.problem.value ?? run.problem.value} />
      {newest.value.value?.runs.length === 0 && <Quiet>Nothing was deployed by tminus yet.</Quiet>}
      {found !== undefined && (
        <>
          <p class="line">
            <StateMark {...runMark(found)} /> <a href={`/runs/${found.id}`}>{found.id}</a>{" "}
            {releaseChange(found)} · <Time at={found.createdAt} /> · database{" "}
            {found.plan.environment.database === undefined ? (
              "not declared"
            ) : (
              <code>{found.plan.environment.database}</code>
            )}{" "}
            ·{" "}
            {found.plan.rollback.database === "keep"
              ? "migrations stay when it is rolled back"
              : "migrations are undone when it is rolled back"}
          </p>
          {steps.length === 0 && <Quiet>This run has no step about the database.</Quiet>}
          {steps.map((step) => (
            <DatabaseStep key={step.id} step={step} runId={found.id} />
          ))}
        </>
      )}
    </Panel>
  );
}

function DatabaseStep({ step: { title, kind, summary, undo }, runId }: { step: PlannedStep; runId: string }) {
  return (
    <div>
      <h3>
        <a href={`/runs/${runId}`}>{title}</a> <span class="quiet">{kind}</span>
      </h3>
      <ul class="summary">
        {summary.map((line) => (
          <li key={line}>{line}</li>
        ))}
        {undo.how === "undo" && undo.loss !== undefined && <li>undoing it loses {undo.loss}</li>}
        {undo.how === "irreversible" && <li>cannot be undone: {undo.text}</li>}
      </ul>
    </div>
  );
}
