import { useLocation } from "preact-iso/router";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { RunPageResource } from "../../src/server/contract/run.ts";
import { RunRow } from "../parts/run-row.tsx";
import { Panel, Problem, Quiet, Title } from "../parts/text.tsx";
import { changesLists, onNews } from "../state/live.ts";
import { resource } from "../state/resource.ts";
import { session } from "../state/session.ts";

const LIMIT = 100;
/** Between two questions, while somebody types or much happens. */
const ASK_EVERY_MS = 500;
const states = ["all", "active", "ended"] as const;
type Asked = Record<"search" | "environment" | "state" | "before", string>;

/** The history, newest first: a page of what is searched for, and the way to what is older. */
export function Runs() {
  const { query, route } = useLocation();
  const { search = "", environment = "", state = "", before = "" } = query;
  const asked = { search, environment, state, before };
  const path = `/runs?${new URLSearchParams([...named(asked), ["limit", String(LIMIT)]])}`;
  const wanted = useRef(path);
  wanted.current = path;
  const runs = useMemo(() => resource<RunPageResource>(() => wanted.current, ASK_EVERY_MS), []);
  useEffect(() => runs.refresh(), [runs, path]);
  useEffect(
    () =>
      onNews({
        event: (event) => (changesLists(event) ? runs.refresh() : undefined),
        reload: () => runs.refresh(),
      }),
    [runs],
  );
  // A page of older runs belongs to what was asked before.
  const go = (change: Partial<Asked>): void => route(placeOf({ ...asked, before: "", ...change }), true);
  const found = runs.value.value;
  const last = found?.runs.at(-1);
  return (
    <>
      <Title>Runs</Title>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        <label>
          <span>Search</span>
          <input
            data-filter
            type="search"
            maxLength={200}
            placeholder="release, person, reason, id"
            value={search}
            onInput={({ currentTarget }) => go({ search: currentTarget.value })}
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
          <select value={state || "all"} onChange={({ currentTarget }) => go({ state: currentTarget.value })}>
            {states.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </form>
      <Problem error={runs.problem.value} />
      <Panel title="Newest first" aside={found === undefined ? "" : String(found.runs.length)}>
        {found?.runs.map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
        {found === undefined && runs.problem.value === undefined && <Quiet>Looking …</Quiet>}
        {found?.runs.length === 0 && <Quiet>No run is like that.</Quiet>}
        <p>
          {before !== "" && <a href={placeOf({ ...asked, before: "" })}>Newest</a>}{" "}
          {found?.hasOlder === true && last !== undefined && (
            <a href={placeOf({ ...asked, before: last.id })}>Older</a>
          )}
        </p>
      </Panel>
    </>
  );
}

function placeOf(asked: Asked): string {
  const query = new URLSearchParams(named(asked));
  return query.size === 0 ? "/runs" : `/runs?${query}`;
}

function named(asked: Asked): [string, string][] {
  return Object.entries(asked).filter(([, value]) => value !== "" && value !== "all");
}
