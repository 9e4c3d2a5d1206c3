import { useEffect, useMemo } from "preact/hooks";
import type {
  EnvironmentResource,
  FreezeResource,
  WindowsResource,
} from "../../src/server/contract/environment.ts";
import { send } from "../api/client.ts";
import { ask } from "../parts/ask.tsx";
import { Panel, Problem, Quiet, StateMark, Time, Title } from "../parts/text.tsx";
import { sentenceOf } from "../parts/verbs.ts";
import { environments } from "../state/lists.ts";
import { isStale } from "../state/live.ts";
import { resource } from "../state/resource.ts";
import { session } from "../state/session.ts";
import { FreezeForm } from "./freeze-form.tsx";

/** When deploys may begin, and what keeps them out. */
export function Calendar() {
  useEffect(() => environments.refresh(), []);
  return (
    <>
      <Title
        aside={
          <a class="button" href="/api/calendar.ics" download={`${session.value?.project ?? "tminus"}.ics`}>
            A year as iCalendar
          </a>
        }
      >
        Calendar
      </Title>
      <FreezeForm />
      <div class="cards">
        {session.value?.environments.map(({ name }) => (
          <Windows
            key={name}
            name={name}
            environment={environments.value.value?.environments.find((known) => known.name === name)}
          />
        ))}
      </div>
    </>
  );
}

function Windows({ name, environment }: { name: string; environment: EnvironmentResource | undefined }) {
  const windows = useMemo(
    () => resource<WindowsResource>(() => `/environments/${encodeURIComponent(name)}/windows`),
    [name],
  );
  // The list of environments is asked again after every freeze and thaw.
  const standing = environment?.windows.text;
  useEffect(() => windows.refresh(), [windows, standing]);
  const found = windows.value.value;
  const thaw = environment?.allowedActions.find(({ action }) => action === "thaw");
  return (
    <Panel title={name}>
      <Problem error={windows.problem.value} />
      {found === undefined && windows.problem.value === undefined && <Quiet>Looking …</Quiet>}
      {found !== undefined && (
        <>
          <p class="line">
            {found.standing.isOpen ? (
              <StateMark icon="✓" word="OPEN" paint="green" />
            ) : (
              <StateMark icon="■" word="CLOSED" paint="yellow" />
            )}{" "}
            {found.standing.text}
          </p>
          <h3>Next openings</h3>
          {found.openings.length === 0 && <Quiet>None is known.</Quiet>}
          <ul class="summary">
            {found.openings.map(({ start, text }) => (
              <li key={start}>{text}</li>
            ))}
          </ul>
          <h3>Declared freezes</h3>
          {found.freezes.length === 0 && <Quiet>None.</Quiet>}
          {found.freezes.map((freeze) => (
            <Freeze key={freeze.name} freeze={freeze} canThaw={thaw?.isAllowed === true}>
              {thaw === undefined ? "" : sentenceOf(thaw)}
            </Freeze>
          ))}
        </>
      )}
    </Panel>
  );
}

interface FreezeProps {
  freeze: FreezeResource;
  canThaw: boolean;
  children: string;
}

function Freeze({ freeze: { name, environment, reason, by, from, until }, canThaw, children }: FreezeProps) {
  const thaw = (): void =>
    ask({
      verb: "Thaw",
      title: `Thaw freeze ${name}`,
      consequence: children,
      note: { label: "Why it may end now", isNeeded: true },
      act: async ({ note }, key) => {
        await send("DELETE", `/freezes/${encodeURIComponent(name)}`, { reason: note }, key);
        environments.refresh();
      },
    });
  return (
    <p class="line">
      <StateMark icon="■" word="FREEZE" paint="cyan" /> <strong>{name}</strong>
      {environment === undefined && " (every environment)"}: {reason} · by {by}, <Time at={from} /> to{" "}
      <Time at={until} />{" "}
      <button
        type="button"
        class="small"
        disabled={!canThaw || isStale.value}
        title={children}
        onClick={thaw}
      >
        Thaw {name}
      </button>
    </p>
  );
}
