import { useLocation } from "preact-iso/router";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { RunSummary } from "../../src/server/contract/run.ts";
import { RunRow } from "../parts/run-row.tsx";
import { Panel, Problem, Quiet, Title } from "../parts/text.tsx";
import { changesLists, onNews } from "../state/live.ts";
import { resource } from "../state/resource.ts";
import { session } from "../state/session.ts";

const LIMIT = 100;
const states = ["all", "active", "ended"] as const;

/** The history, newest first. */
export function Runs() {
  const { query, route } = useLocation();
  const environment = query.environment ?? "";
  const state = states.find((known) => known === query.state) ?? "all";
  const [wanted, setWanted] = useState("");
  const runs = useMemo(
    () => resource<{ runs: RunSummary[] }>(() => pathOf(environment, state)),
    [environment, state],
  );
  useEffect(() => {
    runs.refresh();
    return onNews({
      event: (event) => (changesLists(event) ? runs.refresh() : undefined),
      reload: () => runs.refresh(),
    });
  }, [runs]);
  const go = (change: { environment?: string; state?: string }): void => {
    const next = new URLSearchParams(
      Object.entries({ environment, state, ...change }).filter(
        ([, value]) => value !== "" && value !== "all",
      ),
    );
    route(next.size === 0 ? "/runs" : `/runs?${next}`, true);
  };
  const found = runs.value.value?.runs;
  const shown = found?.filter((run) => isLike(run, wanted));
  return (
    <>
      <Title>Runs</Title>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Filter</span>
          <input
            data-filter
            type="search"
            placeholder="release, person, reason, id"
            value={wanted}
            onInput={({ currentTarget }) => setWanted(currentTarget.value)}
          />
        </label>
        <label>
          <span>Environment</span>
          <select
            value={environment}
            onChange={({ currentTarget }) => go({ environment: currentTarget.value })}
          >
            <option value="">all</option>
            {session.value?.environments.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          <span>State</span>
          <select value={state} onChange={({ currentTarget }) => go({ state: currentTarget.value })}>
            {states.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </form>
      <Problem error={runs.problem.value} />
      <Panel title="Newest first" aside={shown === undefined ? "" : `${shown.length} of ${found!.length}`}>
        {shown?.map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
        {shown === undefined && runs.problem.value === undefined && <Quiet>Looking …</Quiet>}
        {shown?.length === 0 && <Quiet>No run is like that.</Quiet>}
        {found?.length === LIMIT && <Quiet>Older ones are not shown: tminus log --limit 1000</Quiet>}
      </Panel>
    </>
  );
}

function pathOf(environment: string, state: string): string {
  const query = new URLSearchParams({
    limit: String(LIMIT),
    ...(environment === "" ? {} : { environment }),
    ...(state === "all" ? {} : { state }),
  });
  return `/runs?${query}`;
}

function isLike(run: RunSummary, wanted: string): boolean {
  const text = [
    run.id,
    run.release,
    run.previousRelease,
    run.createdBy,
    run.environment,
    run.outcome ?? run.state,
    run.verdict?.reason,
    run.purpose,
  ].join(" ");
  return wanted
    .toLowerCase()
    .split(" ")
    .every((word) => text.toLowerCase().includes(word));
}
