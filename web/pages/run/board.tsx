import type { GateResult, Plan } from "../../../src/model/plan.ts";
import type { Paint } from "../../../src/report/text.ts";
import { Output } from "../../parts/output.tsx";
import { Quiet, StateMark, Time } from "../../parts/text.tsx";

const calls: Readonly<Record<GateResult["verdict"], { icon: string; word: string; paint: Paint }>> = {
  pass: { icon: "✓", word: "GO", paint: "green" },
  waived: { icon: "!", word: "GO, WAIVED", paint: "yellow" },
  fail: { icon: "✗", word: "NO-GO", paint: "red" },
  unknown: { icon: "?", word: "NO-GO, UNKNOWN", paint: "red" },
};

/** The poll before T-0: every gate says go or no-go, as it was when the plan was made. */
export function Board({ plan, isHero }: { plan: Pick<Plan, "gates" | "createdAt">; isHero: boolean }) {
  const { gates } = plan;
  const go = gates.filter(({ verdict }) => verdict === "pass" || verdict === "waived").length;
  const isGo = go === gates.length;
  const summary =
    gates.length === 0
      ? "no gates"
      : `${go} of ${gates.length} go${isGo ? "" : ` · ${gates.length - go} no-go`}`;
  const board = (
    <>
      {gates.length === 0 && <Quiet>The runbook has no gates for this environment.</Quiet>}
      <ul class="board">
        {gates.map((gate) => (
          <GateTile key={gate.id} gate={gate} />
        ))}
      </ul>
    </>
  );
  if (!isHero)
    return (
      <details class="panel board-panel">
        <summary>Go / no-go: {summary}</summary>
        {board}
      </details>
    );
  return (
    <section class="panel board-panel hero" aria-label="Go / no-go">
      <header class="panel-head">
        <h2>Go / no-go</h2>
        <div class="aside">
          polled <Time at={plan.createdAt} />
        </div>
      </header>
      {gates.length > 0 && (
        <p class={`poll ${isGo ? "green" : "red"}`}>
          <span aria-hidden="true">{isGo ? "✓ " : "✗ "}</span>
          {isGo ? "GO" : "NO-GO"} <span class="poll-count">{summary}</span>
        </p>
      )}
      {board}
    </section>
  );
}

function GateTile({ gate }: { gate: GateResult }) {
  const { id, title, verdict, reason, fix, waiver } = gate;
  const lines = lastLinesOf(gate);
  return (
    <li class={`tile ${calls[verdict].paint}`}>
      <StateMark {...calls[verdict]} />
      <strong>{title}</strong>
      <p>{reason}</p>
      {waiver !== undefined && (
        <p>
          waived by {waiver.by} until <Time at={waiver.until} />: {waiver.reason}
        </p>
      )}
      {fix !== undefined && verdict !== "pass" && <p class="fix">fix: {fix}</p>}
      {lines !== undefined && (
        <details>
          <summary>what it saw</summary>
          <Output text={lines} label={`Output of ${id}`} />
        </details>
      )}
    </li>
  );
}

/** The end of what a gate's command printed. */
function lastLinesOf({ evidence }: GateResult): string | undefined {
  if (typeof evidence !== "object" || evidence === null || !("lastLines" in evidence)) return undefined;
  const lines = evidence.lastLines;
  return Array.isArray(lines) && lines.length > 0 ? lines.map(String).join("\n") : undefined;
}
