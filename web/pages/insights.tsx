import { useLocation } from "preact-iso/router";
import { useEffect, useMemo } from "preact/hooks";
import { formatDuration } from "../../src/lib/duration.ts";
import type { InsightsResource } from "../../src/server/contract/project.ts";
import { Panel, Problem, Quiet, Time, Title } from "../parts/text.tsx";
import { resource } from "../state/resource.ts";
import { session } from "../state/session.ts";

interface Key {
  name: "deploysPerDay" | "leadTimeMs" | "changeFailurePercent" | "recoveryMs";
  title: string;
  meaning: string;
  text: (value: number) => string;
}

/** https://dora.dev/guides/dora-metrics-four-keys/ */
const keys: readonly Key[] = [
  {
    name: "deploysPerDay",
    title: "Deployment frequency",
    meaning: "How many deploys succeeded a day.",
    text: (value) => `${Number(value.toPrecision(2))} a day`,
  },
  {
    name: "leadTimeMs",
    title: "Lead time for changes",
    meaning: "From a commit to its release being live, the median.",
    text: formatDuration,
  },
  {
    name: "changeFailurePercent",
    title: "Change failure rate",
    meaning: "How many of the deploys that reached people had to be undone.",
    text: (value) => `${Number(value.toPrecision(2))} %`,
  },
  {
    name: "recoveryMs",
    title: "Failed deployment recovery time",
    meaning: "From a failure being seen to the service being seen good again, the median.",
    text: formatDuration,
  },
];

/** The four keys, each with the runs that it is made of. */
export function Insights() {
  const { query, route } = useLocation();
  const environment = query.environment ?? "";
  const insights = useMemo(
    () =>
      resource<InsightsResource>(() =>
        environment === "" ? "/insights" : `/insights?environment=${encodeURIComponent(environment)}`,
      ),
    [environment],
  );
  useEffect(() => insights.refresh(), [insights]);
  const found = insights.value.value;
  return (
    <>
      <Title
        aside={
          <label class="inline">
            <span>Environment</span>
            <select
              value={environment}
              onChange={({ currentTarget: { value } }) =>
                route(value === "" ? "/insights" : `/insights?environment=${encodeURIComponent(value)}`, true)
              }
            >
              <option value="">all</option>
              {session.value?.environments.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        }
      >
        Insights
      </Title>
      <Problem error={insights.problem.value} />
      {found === undefined && insights.problem.value === undefined && <Quiet>Looking …</Quiet>}
      {found !== undefined && (
        <>
          <p class="quiet">
            from <Time at={found.from} /> to <Time at={found.until} />
          </p>
          <div class="cards">
            {keys.map((key) => (
              <Figure key={key.name} of={key} figure={found[key.name]} />
            ))}
          </div>
        </>
      )}
    </>
  );
}

function Figure({ of, figure }: { of: Key; figure: InsightsResource["deploysPerDay"] }) {
  return (
    <Panel title={of.title}>
      <p class="figure">{figure.value === null ? "not known" : of.text(figure.value)}</p>
      <p class="quiet">{of.meaning}</p>
      <details>
        <summary>
          {figure.runs.length} run{figure.runs.length === 1 ? "" : "s"}
        </summary>
        <ul class="summary">
          {figure.runs.map((id) => (
            <li key={id}>
              <a href={`/runs/${id}`}>{id}</a>
            </li>
          ))}
        </ul>
      </details>
    </Panel>
  );
}
