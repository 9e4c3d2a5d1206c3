import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { RunEvent } from "../../../src/model/run.ts";
import { clean } from "../../../src/report/text.ts";
import { Time } from "../../parts/text.tsx";
import { LogButton } from "./log-button.tsx";

const MAX_SHOWN = 500;

/** Every event with who brought it about, newest first. Drawn when somebody opens it: there can be hundreds. */
export function Happened({ events, runId }: { events: readonly RunEvent[]; runId: string }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="panel happened" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>What happened: {events.length} events</summary>
      <LogButton runId={runId} />
      {isOpen && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Events">
          <table>
            <thead>
              <tr>
                <th scope="col">no.</th>
                <th scope="col">time</th>
                <th scope="col">event</th>
                <th scope="col">by</th>
                <th scope="col">what</th>
              </tr>
            </thead>
            <tbody>{events.slice(-MAX_SHOWN).toReversed().map(rowOf)}</tbody>
          </table>
        </div>
      )}
    </details>
  );
}

/** An event never changes: one that is drawn is not compared again when the next one comes. */
const rows = new WeakMap<RunEvent, VNode>();

function rowOf(event: RunEvent): VNode {
  const drawn = rows.get(event);
  if (drawn !== undefined) return drawn;
  const { sequence, at, type, actor, data } = event;
  const row = (
    <tr key={sequence}>
      <td>{sequence}</td>
      <td>
        <Time at={at} />
      </td>
      <td>
        <code>{type}</code>
      </td>
      <td>{clean(actor)}</td>
      <td>{textOf(data)}</td>
    </tr>
  );
  rows.set(event, row);
  return row;
}

function textOf(data: RunEvent["data"]): string {
  const said = ["stepId", "kind", "decision", "outcome", "verdict", "text", "reason", "note"].flatMap(
    (name) => {
      const value = data[name];
      return typeof value === "string" && value !== "" ? [clean(value)] : [];
    },
  );
  return said.join(" · ");
}
