import { describe, expect, it } from "vitest";
import { errorCodes } from "../../src/error-codes.ts";
import { calendarCases } from "./support/calendar-cases.ts";
import { atChecklist, cases as mostCases, unavailable, withRun } from "./support/cases.ts";
import { auditCases } from "./support/audit-cases.ts";
import { emergencyCases } from "./support/emergency-cases.ts";
import { logCases } from "./support/log-cases.ts";
import { overrideCases } from "./support/override-cases.ts";
import { peopleCases } from "./support/people-cases.ts";
import { serverCases } from "./support/server-cases.ts";
import { unlockCases } from "./support/unlock-cases.ts";
import { hasEscape, runCommand, withoutPainting } from "./support/run-command.ts";

const cases = [
  ...mostCases,
  ...emergencyCases,
  ...logCases,
  ...overrideCases,
  ...serverCases,
  ...unlockCases,
  ...auditCases,
  ...calendarCases,
  ...peopleCases,
];

describe("every command", () => {
  it.each(cases)(
    "$name: prints exactly one JSON object with --json and exits with $exit",
    async ({ argv, tminus, exit, error }) => {
      const fake = tminus();
      const result = await runCommand(fake, ["--json", ...argv]);
      expect(result.exitCode).toBe(exit);
      expect(result.stdout.endsWith("\n")).toBe(true);
      expect(result.stdout.trimEnd()).not.toContain("\n");
      const printed = JSON.parse(result.stdout) as {
        schema_version: number;
        exitCode?: number;
        error?: { code: string; message: string; hint: string; details: object };
      };
      expect(printed.schema_version).toBe(1);
      expect(printed.error?.code).toBe(error);
      expect(printed.exitCode ?? exit).toBe(exit);
      if (printed.error !== undefined) {
        expect(Object.keys(printed.error).sort()).toEqual(["code", "details", "hint", "message"]);
        expect(printed.error.hint).not.toBe("");
      }
      expect(hasEscape(result.stdout + result.stderr)).toBe(false);
    },
  );

  it.each(cases)(
    "$name: streams objects a line with --json=stream, the result or error last",
    async ({ argv, tminus, exit, error }) => {
      const result = await runCommand(tminus(), [...argv, "--json=stream"]);
      expect(result.exitCode).toBe(exit);
      const lines = result.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { kind?: string; error?: { code: string } });
      expect(lines.at(-1)?.error?.code).toBe(error);
      for (const line of lines.slice(0, -1)) expect(line.kind).toBe("event");
    },
  );

  it.each(cases)(
    "$name: prints no escape sequence into a pipe and exits with $exit for people too",
    async ({ argv, tminus, exit, error }) => {
      const fake = tminus();
      const result = await runCommand(fake, argv);
      expect(result.exitCode).toBe(exit);
      const isEvidence = argv.includes("--evidence");
      expect(hasEscape(isEvidence ? result.stderr : result.stdout + result.stderr)).toBe(false);
      if (error !== undefined) {
        expect(result.stderr).toContain(`error ${error} `);
        expect(result.stderr).toContain("\n→ ");
        expect(result.stderr).toContain(`tminus explain ${error}`);
      } else expect(result.stdout).not.toBe("");
    },
  );

  it.each(cases)("$name: keeps within a terminal of 40 columns", async ({ argv, tminus, exit }) => {
    const result = await runCommand(tminus(), argv, {
      isTty: true,
      columns: 40,
      environment: { NO_COLOR: "1" },
      answer: "no",
    });
    expect(result.exitCode).toBe(exit);
    expect(hasEscape(withoutPainting(result.stdout))).toBe(false);
  });

  it.each(cases)(
    "$name: prints lines without any escape on a dumb terminal",
    async ({ argv, tminus, exit }) => {
      const result = await runCommand(tminus(), argv, {
        isTty: true,
        environment: { TERM: "dumb" },
        answer: "no",
      });
      expect(result.exitCode).toBe(exit);
      expect(hasEscape(result.stdout + result.stderr)).toBe(false);
    },
  );

  it("closes the facade, also after an error", async () => {
    for (const { argv, tminus } of cases) {
      const fake = tminus();
      let isOpened = false;
      await runCommand(async () => {
        isOpened = true;
        return fake;
      }, argv);
      expect(fake.isClosed).toBe(isOpened);
    }
  });
});

describe("explain", () => {
  it.each(Object.keys(errorCodes))("explains %s offline", async (code) => {
    const result = await runCommand(unavailable(), ["explain", code.toLowerCase()]);
    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain(code);
    expect(result.stdout).toContain("→ ");
  });
});

describe("an unknown word", () => {
  it.each([
    [["stauts"], "status"],
    [["status", "--jsn"], "--json"],
    [["explain", "PLAN_STALES"], "PLAN_STALE"],
    [["status", "--env", "prodution"], "production"],
    [["ack", "suport-told"], "support-told"],
  ])("%j is answered with what was probably meant", async (argv, meant) => {
    const result = await runCommand(withRun(atChecklist), argv);
    expect(result.exitCode).toBe(2);
    expect(result.stderr.toLowerCase()).toContain(`did you mean`);
    expect(result.stderr).toContain(meant);
  });
});
