import type { RunEvent } from "../../../src/model/run.ts";
import { clean } from "../../../src/report/text.ts";
import { Time } from "../../parts/text.tsx";
import { LogButton } from "./log-button.tsx";

const MAX_SHOWN = 500;

/** Every event with who brought it about, newest first. */
export function Happened({ events, runId }: { events: readonly RunEvent[]; runId: string }) {
  const shown = events.slice(-MAX_SHOWN).toReversed();
  return (
    <details class="panel happened">
      <summary>What happened: {events.length} events</summary>
      <LogButton runId={runId} />
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
          <tbody>
            {shown.map(({ sequence, at, type, actor, data }) => (
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
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
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
