import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "../src/lib/process.ts";

describe("the generated documentation", () => {
  it("is what the command tree, the error table, the kinds and the schema say now", async () => {
    const result = await run([process.execPath, "tools/docs.ts", "--check"], {
      cwd: dirname(import.meta.dirname),
      timeoutMs: 60_000,
    });
    expect(result.output).toBe("");
    expect(result.exitCode).toBe(0);
  });
});
