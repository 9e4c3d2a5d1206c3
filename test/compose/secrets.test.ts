import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSecrets } from "../../src/compose/secrets.ts";
import { toErrorRecord } from "../../src/errors.ts";
import { Redactor } from "../../src/lib/redact.ts";

let directory: string;
const redactor = new Redactor();
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-secrets-"));
  writeFileSync(join(directory, "a#b.env"), 'TOKEN="from the file"\nEMPTY=\n');
});
afterAll(() => rmSync(directory, { recursive: true }));

function find(reference: string): string {
  return openSecrets(directory, { TOKEN: "from-the-environment", EMPTY: "" }, redactor)(reference).reveal();
}

function errorOf(reference: string): { code: string; message: string; hint: string } {
  try {
    return { code: "", message: find(reference), hint: "" };
  } catch (error) {
    return toErrorRecord(error);
  }
}

describe("openSecrets", () => {
  it("finds values in the environment and in files relative to the project, and makes them known to the redactor", () => {
    expect(find("env:TOKEN")).toBe("from-the-environment");
    expect(find("file:a#b.env#TOKEN")).toBe("from the file");
    expect(redactor.redact("x from-the-environment, from the file y")).toBe("x ***, *** y");
  });

  it.each([
    ["env:GONE", "set the environment variable GONE"],
    ["env:EMPTY", "set the environment variable EMPTY"],
    ["env:constructor", "set the environment variable constructor"],
    ["file:a#b.env#GONE", "add GONE=… to a#b.env"],
    ["file:a#b.env#EMPTY", "add EMPTY=… to a#b.env"],
    ["file:a#b.env#toString", "add toString=… to a#b.env"],
    ["plain", "write env:NAME or file:path#NAME"],
    ["file:noname", "write env:NAME or file:path#NAME"],
  ])("refuses %s, which has no value, and says what to do", (reference, hint) => {
    expect(errorOf(reference)).toMatchObject({ code: "SECRET_MISSING", hint: expect.stringContaining(hint) });
  });

  it("names the file that cannot be read", () => {
    const { code, message } = errorOf("file:missing.env#TOKEN");
    expect([code, message]).toEqual([
      "SECRET_MISSING",
      expect.stringContaining(join(directory, "missing.env")),
    ]);
  });
});
