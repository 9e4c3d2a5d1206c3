import type { CheckReport } from "./run-checks.ts";

/**
 * The reports as JUnit XML, as CI systems read it: a failed check is a failure, one that could not be asked an
 * error, one that was not run skipped. Times in seconds.
 */
export function toJUnit(name: string, reports: readonly CheckReport[]): string {
  const count = (verdict: CheckReport["verdict"]): number =>
    reports.filter((report) => report.verdict === verdict).length;
  const seconds = reports.reduce((sum, report) => sum + report.durationMs, 0) / 1000;
  const totals = [
    `tests="${reports.length}"`,
    `failures="${count("fail")}"`,
    `errors="${count("unknown")}"`,
    `skipped="${count("not-run")}"`,
    `time="${seconds.toFixed(3)}"`,
  ].join(" ");
  return [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<testsuites ${totals}>`,
    `  <testsuite name="${escape(name)}" ${totals}>`,
    ...reports.flatMap((report) => testCase(name, report)),
    `  </testsuite>`,
    `</testsuites>`,
    ``,
  ].join("\n");
}

function testCase(suite: string, report: CheckReport): string[] {
  const title = [report.title, ...report.tags.map((tag) => `@${tag}`)].join(" ");
  const head = `    <testcase classname="${escape(`${suite}.${report.id}`)}" name="${escape(title)}" time="${(report.durationMs / 1000).toFixed(3)}"`;
  const outcome = outcomeOf(report);
  return outcome === undefined ? [`${head}/>`] : [`${head}>`, `      ${outcome}`, `    </testcase>`];
}

function outcomeOf(report: CheckReport): string | undefined {
  const text = escape(report.reasons.join("; "));
  const detail = escape(
    [...report.reasons, requestLine(report), report.response?.excerpt ?? ""]
      .filter((line) => line !== "")
      .join("\n"),
  );
  if (report.verdict === "fail") return `<failure message="${text}">${detail}</failure>`;
  if (report.verdict === "unknown") return `<error message="${text}">${detail}</error>`;
  if (report.verdict === "not-run") return `<skipped message="${text}"/>`;
  return report.attempts > 1 ? `<system-out>passed at attempt ${report.attempts}</system-out>` : undefined;
}

function requestLine({ request, response }: CheckReport): string {
  if (request === undefined) return "";
  return `${request.method} ${request.url}${response === undefined ? "" : ` → ${response.status}`}`;
}

/** XML 1.0 has no way to write most control characters, nor halves of surrogate pairs; they become U+FFFD. */
function escape(text: string): string {
  return (
    Buffer.from(text)
      .toString()
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, "\uFFFD")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("\n", "&#10;")
  );
}
