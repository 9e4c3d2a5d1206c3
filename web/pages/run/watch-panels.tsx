import type { WatchedStep } from "../../../src/model/tminus.ts";
import type {
  EvidenceMeter,
  Forthcoming,
  RuleReport,
  RuleSourceReport,
  WatchReport,
} from "../../../src/model/watch-report.ts";
import { stepsIn, type RunView } from "../../../src/report/run-view.ts";
import type { Mark } from "../../../src/report/run-marks.ts";
import type { Paint } from "../../../src/report/text.ts";
import { timeUntil } from "../../../src/report/watch-lines.ts";
import type { ChartMarker } from "../../parts/draw-chart.ts";
import { RuleChart } from "../../parts/rule-chart.tsx";
import { clockText, Panel, Problem, Quiet, StateMark } from "../../parts/text.tsx";
import { now } from "../../state/now.ts";
import type { OpenRun } from "../../state/open-run.ts";

/** How long before the watch something may have happened to be drawn at its beginning. */
const BEFORE_MS = 30_000;
/** What a chart covers at the least, of a watch that goes on. */
const SHORTEST_MS = 15_000;

/** Every rule that the run watches, by step. */
export function WatchPanels({ open, view }: { open: OpenRun; view: RunView }) {
  const steps = open.watched.value.value?.steps ?? [];
  return (
    <>
      <Problem error={open.watched.problem.value} />
      {steps.map((step) => (
        <WatchPanel key={step.stepId} step={step} view={view} />
      ))}
    </>
  );
}

function WatchPanel({ step: { title, report, unknown }, view }: { step: WatchedStep; view: RunView }) {
  return (
    <Panel
      title={`${title}: its rules`}
      class="watch"
      aside={report === undefined ? undefined : <Remaining report={report} />}
    >
      {report === undefined && <Quiet>{unknown}</Quiet>}
      {report?.next?.blind !== undefined && (
        <p class="red">
          <span aria-hidden="true">✗ </span>
          blind since {clockText(report.next.blind.sinceMs)} ({report.next.blind.rules.join(", ")}): the clock
          stands still; {forthcoming(report.next.blind.consequence)}
        </p>
      )}
      <div class="rules">
        {report?.rules.map((rule) => (
          <Rule key={rule.name} rule={rule} report={report} view={view} />
        ))}
      </div>
    </Panel>
  );
}

function Remaining({ report: { next, endsAtMs } }: { report: WatchReport }) {
  if (next === undefined) return <span>over</span>;
  const look = timeUntil(next.lookAtMs, now.value);
  return (
    <span>
      next look {look === "now" ? look : `in ${look}`} · {timeUntil(endsAtMs, now.value)} left
    </span>
  );
}

interface RuleProps {
  rule: RuleReport;
  report: WatchReport;
  view: RunView;
}

function Rule({ rule, report, view }: RuleProps) {
  return (
    <article class="rule" aria-label={`Rule ${rule.name}`}>
      <header>
        <h3>{rule.name}</h3>
        <StateMark {...verdictMark(rule, report)} />
        {rule.isShadow && <span class="badge">shadow</span>}
      </header>
      <p class="sentence-of-rule">{rule.sentence}</p>
      <p class={rule.verdict === "FAIL" ? "red" : ""}>{rule.summary}</p>
      {rule.accepted !== undefined && (
        <p>
          {rule.accepted.by} let it stand: {rule.accepted.note}
        </p>
      )}
      {rule.probe !== undefined && (
        <p>
          {rule.probe.value} · {rule.probe.state}
          {rule.probe.next !== undefined && ` · ${forthcoming(rule.probe.next)}`}
        </p>
      )}
      {rule.sources.map((source) => (
        <Source key={source.name} source={source} rule={rule} report={report} view={view} />
      ))}
    </article>
  );
}

function Source({ source, rule, report, view }: RuleProps & { source: RuleSourceReport }) {
  const { name, state, value, during, before, meter, next, series, arithmetic } = source;
  const untilMs = rule.endedMs ?? Math.min(rule.untilMs, report.endsAtMs, comingMs(rule, series));
  const markers = markersOf(source, rule, report, view);
  const fromMs = Math.min(rule.fromMs, ...markers.map(({ atMs }) => atMs));
  return (
    <div class="source">
      <p class="reading">
        <strong class={paints[state] ?? ""}>{value}</strong>{" "}
        <span class="quiet">
          {state}
          {rule.sources.length > 1 && ` · ${name}`}
        </span>
      </p>
      <RuleChart
        series={series}
        fromMs={fromMs}
        untilMs={Math.max(untilMs, rule.fromMs + 1000)}
        markers={markers}
        label={`${rule.name}: ${rule.sentence}. ${value}. The same numbers are in the table below.`}
      />
      {meter !== undefined && <Meter meter={meter} next={next} />}
      {meter === undefined && next !== undefined && <p>{forthcoming(next)}</p>}
      <p class="quiet">
        {during !== undefined && `over the watch ${during}`}
        {before !== undefined && ` · the release before ${before}`}
      </p>
      <details>
        <summary>Numbers and how it is decided</summary>
        <ul class="summary">
          {arithmetic.map((line, index) => (
            <li key={index}>{line}</li>
          ))}
        </ul>
        <Samples source={source} name={rule.name} />
      </details>
    </div>
  );
}

/** A chart of a watch that has just begun is not empty for the most part. */
function comingMs({ fromMs }: RuleReport, { rows }: RuleSourceReport["series"]): number {
  const passedMs = (rows.at(-1)?.atMs ?? fromMs) - fromMs;
  return fromMs + Math.max(SHORTEST_MS, passedMs * 1.5);
}

interface MeterProps {
  meter: EvidenceMeter;
  next: Forthcoming | undefined;
}

/** The evidence on its way to where it is held and where it is decided. */
function Meter({ meter: { percent, holdPercent, value, hold, roll }, next }: MeterProps) {
  const then = next === undefined ? `held at ${round(hold)}, decided at ${round(roll)}` : forthcoming(next);
  const said = `evidence ${round(value)}: ${then}`;
  return (
    <div class="meter-line">
      <div
        class="meter"
        role="meter"
        aria-label="Evidence against the release"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(percent)}
        aria-valuetext={said}
      >
        <span class={`fill ${percent >= holdPercent ? "over" : ""}`} style={{ width: `${percent}%` }} />
        <span class="hold" style={{ left: `${holdPercent}%` }} />
      </div>
      <span>{said}</span>
    </div>
  );
}

function Samples({ source: { series }, name }: { source: RuleSourceReport; name: string }) {
  if (series.rows.length === 0) return <Quiet>No sample yet.</Quiet>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Samples of ${name}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">time</th>
            <th scope="col">state</th>
            <th scope="col">value{series.unit !== "" && `, ${series.unit}`}</th>
            <th scope="col">of</th>
            <th scope="col">evidence</th>
          </tr>
        </thead>
        <tbody>
          {series.rows.toReversed().map(({ atMs, state, value, count, evidence }) => (
            <tr key={atMs}>
              <td>{clockText(atMs)}</td>
              <td>{state}</td>
              <td>{value === undefined ? "not known" : Number(value.toPrecision(4))}</td>
              <td>{count?.toLocaleString("en-US") ?? ""}</td>
              <td>{evidence === undefined ? "" : round(evidence)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** When traffic last moved, and when the rule decided. */
function markersOf(
  { series }: RuleSourceReport,
  rule: RuleReport,
  report: WatchReport,
  view: RunView,
): ChartMarker[] {
  const moved = stepsIn(view)
    .filter(({ kind, endedAt }) => kind.startsWith("app.") && endedAt !== undefined)
    .map(({ id, endedAt }) => ({ atMs: endedAt!.getTime(), label: id, isBad: false }))
    .findLast(({ atMs }) => atMs <= report.startedAtMs);
  return [
    ...(moved !== undefined && rule.fromMs - moved.atMs < BEFORE_MS ? [moved] : []),
    ...(series.literallyAtMs === undefined
      ? []
      : [{ atMs: series.literallyAtMs, label: "taken literally", isBad: false }]),
    ...(series.failedAtMs === undefined ? [] : [{ atMs: series.failedAtMs, label: rule.deed, isBad: true }]),
  ];
}

function verdictMark({ verdict, isShadow }: RuleReport, { next }: WatchReport): Mark {
  switch (verdict) {
    case "PENDING":
      return next === undefined
        ? { icon: "○", word: "NOT DECIDED", paint: "dim" }
        : { icon: "●", word: "WATCHED", paint: "cyan" };
    case "PASS":
      return { icon: "✓", word: "PASS", paint: "green" };
    case "FAIL":
      return { icon: "✗", word: "FAIL", paint: isShadow ? "yellow" : "red" };
    case "INCONCLUSIVE":
      return { icon: "?", word: "INCONCLUSIVE", paint: "yellow" };
    case "BLIND":
      return { icon: "?", word: "BLIND", paint: "red" };
  }
}

const paints: Readonly<Record<string, Paint | undefined>> = {
  breach: "yellow",
  held: "yellow",
  nodata: "yellow",
  unknown: "yellow",
  failed: "red",
  error: "red",
  stale: "red",
};

function forthcoming({ text, atMs }: Forthcoming): string {
  if (atMs === undefined) return text;
  const left = timeUntil(atMs, now.value);
  return `${text} ${left === "now" ? left : `in ${left}`}`;
}

function round(value: number): string {
  return value >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(2)));
}
