import type { WatchedStep } from "../model/tminus.ts";
import type { RuleReport, RuleSourceReport, WatchReport } from "../model/watch-report.ts";

/** One source of one rule, of which a chart can be drawn. */
export interface ChartSubject {
  stepId: string;
  report: WatchReport;
  rule: RuleReport;
  source: RuleSourceReport;
  /** "canary-errors", with the source when the rule asks several: for a file's name, unique among all of a run. */
  name: string;
}

/** Everything of a run of which there are samples, in the order of the runbook. Rules about probes have none. */
export function chartSubjects(watched: readonly WatchedStep[]): ChartSubject[] {
  const names = new Set<string>();
  return watched.flatMap(({ stepId, report }) =>
    (report?.rules ?? []).flatMap((rule) =>
      rule.sources
        .filter(({ series }) => series.rows.length > 0)
        .map((source): ChartSubject => {
          const parts = [stepId, rule.name, ...(rule.sources.length > 1 ? [source.name] : [])];
          const name = unused(parts.map(plainName).join("-"), names);
          names.add(name);
          return { stepId, report: report!, rule, source, name };
        }),
    ),
  );
}

/** Only letters, digits, _ and -, which every file system and address can hold. */
export function plainName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_-]+/g, "-") || "-";
}

function unused(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let number = 2; ; number++) if (!taken.has(`${name}-${number}`)) return `${name}-${number}`;
}
