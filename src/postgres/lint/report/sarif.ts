import type { LintRule } from "../define-rule.ts";
import { bySeverity, type Finding, type Severity } from "../finding.ts";
import type { LintReport } from "../lint.ts";

const LEVEL: Readonly<Record<Severity, string>> = { block: "error", ask: "warning", note: "note" };

/** What is found without a rule. */
const ALWAYS = [
  { id: "not-parseable", summary: "A statement that PostgreSQL's parser refuses.", why: "It cannot run." },
  {
    id: "directive",
    summary: "A line '-- tminus: …' that cannot be understood.",
    why: "What it should change would silently not happen.",
  },
];

/** SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. What a file allows is suppressed. */
export function sarifReport({ findings, allowed }: LintReport, rules: readonly LintRule[]): object {
  const known = [
    ...ALWAYS.map((rule) => ({ ...rule, severity: "block" as const })),
    ...rules.map(({ id, summary, why, severity }) => ({ id, summary, why, severity })),
  ];
  const results = [
    ...bySeverity(findings).map((finding) => resultOf(finding)),
    ...allowed.map(({ reason, ...finding }) => ({
      ...resultOf(finding),
      suppressions: [{ kind: "inSource", justification: reason }],
    })),
  ];
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "tminus",
            rules: known.map(({ id, summary, why, severity }) => ({
              id,
              shortDescription: { text: summary },
              fullDescription: { text: why },
              defaultConfiguration: { level: LEVEL[severity] },
            })),
          },
        },
        columnKind: "utf16CodeUnits",
        results,
      },
    ],
  };
}

function resultOf({ rule, severity, file, line, column, message, hint }: Finding) {
  return {
    ruleId: rule,
    level: LEVEL[severity],
    message: { text: `${message}. ${hint}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: file.split("/").map(encodeURIComponent).join("/") },
          region: { startLine: line, startColumn: column },
        },
      },
    ],
  };
}
