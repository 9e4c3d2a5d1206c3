import { expect, it } from "vitest";
import { readAudit } from "../../../src/gates/dependencies/advisories.ts";

/** As pnpm 10 and yarn 4 printed it about one advisory, shortened; of yarn 1 as its documentation has it. */
const OLD_FORM = {
  findings: [{ version: "0.7.1", paths: ["ms"] }],
  id: 1_094_419,
  title: "takes too long",
  module_name: "ms",
  severity: "high",
  url: "https://github.com/advisories/GHSA-w9mr-4mfr-499f",
};
const COUNTS = { info: 0, low: 0, moderate: 0, high: 1, critical: 0 };
const pnpm = (advisories: unknown): string =>
  JSON.stringify({
    actions: [],
    advisories,
    muted: [],
    metadata: { vulnerabilities: COUNTS, dependencies: 1 },
  });
const yarnSummary = JSON.stringify({
  type: "auditSummary",
  data: { vulnerabilities: COUNTS, dependencies: 1 },
});
const yarnInfo = JSON.stringify({ type: "info", data: "Visit https://yarnpkg.com/en/docs/cli/audit" });
const yarnAdvisory = JSON.stringify({
  type: "auditAdvisory",
  data: { resolution: { id: 1 }, advisory: OLD_FORM },
});
const berryAdvisory = JSON.stringify({
  value: "ms",
  children: {
    ID: 1_094_419,
    Issue: "takes too long",
    URL: "https://github.com/advisories/GHSA-w9mr-4mfr-499f",
    Severity: "high",
    "Vulnerable Versions": "<2.0.0",
  },
});

const one = [
  {
    id: "GHSA-w9mr-4mfr-499f",
    package: "ms",
    severity: "high",
    title: "takes too long",
    url: "https://github.com/advisories/GHSA-w9mr-4mfr-499f",
  },
];

it.each([
  ["pnpm", 1, pnpm({ "1094419": OLD_FORM }), one],
  ["pnpm", 0, pnpm({}), []],
  ["yarn", 8, `${yarnInfo}\n${yarnAdvisory}\n${yarnAdvisory}\n${yarnSummary}\n`, one],
  ["yarn", 0, `${yarnSummary}\n`, []],
  ["berry", 1, `${berryAdvisory}\n`, one],
  ["berry", 0, "", []],
] as const)("reads what %s prints, exit code %i", (manager, exitCode, stdout, advisories) => {
  expect(readAudit(manager, { exitCode, stdout, stderr: "" })).toEqual({ state: "answered", advisories });
});

it.each([
  [
    "npm",
    '{"message":"405 Method Not Allowed","error":{"summary":""}}',
    "",
    "405 Method Not Allowed (exit code 1)",
  ],
  ["npm", '{"error":{"code":"ENOLOCK","summary":"needs a lockfile"}}', "", "needs a lockfile (exit code 1)"],
  ["npm", "<html>", "", "it printed no answer (exit code 1)"],
  ["pnpm", '{"error":{"code":"E","message":"responded with 405"}}', "", "responded with 405 (exit code 1)"],
  [
    "yarn",
    yarnInfo,
    '{"type":"error","data":"returned a 405"}',
    '{"type":"error","data":"returned a 405"} (exit code 1)',
  ],
  [
    "berry",
    "",
    "Ls [RequestError]: connect ECONNREFUSED",
    "Ls [RequestError]: connect ECONNREFUSED (exit code 1)",
  ],
] as const)("knows that %s was not answered: %s", (manager, stdout, stderr, reason) => {
  expect(readAudit(manager, { exitCode: 1, stdout, stderr })).toEqual({ state: "silent", reason });
});

it("takes a severity that nobody knows for no answer", () => {
  const stdout = pnpm({ "1": { ...OLD_FORM, severity: "dreadful" } });
  expect(readAudit("pnpm", { exitCode: 1, stdout, stderr: "" }).state).toBe("silent");
});
