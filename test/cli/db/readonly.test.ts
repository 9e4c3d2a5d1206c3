import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openWorld } from "../../postgres/readonly/world.ts";
import { PROTECTED_RUNBOOK } from "../support/protected-runbook.ts";
import { fakeTminus } from "../support/fake-tminus.ts";
import { samplePlan } from "../support/sample-run.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

/** On needs no state: it may be away when damage has to be kept from growing. */
const NO_STATE = (): Promise<never> => Promise.reject(new Error("the state is away"));

it("turns it on for whoever types the environment's name, tells its state, and turns it off", async () => {
  await using world = await openWorld();
  const directory = mkdtempSync(join(tmpdir(), "tminus-db-readonly-"));
  try {
    writeFileSync(join(directory, "tminus.yaml"), PROTECTED_RUNBOOK);
    const run = (...argv: string[]): Promise<CommandResult> => {
      const tminus = argv[0] === "off" ? fakeTminus(samplePlan()) : NO_STATE;
      return runCommand(tminus, ["db", "readonly", ...argv], { directory, environment: { DB: world.url } });
    };
    expect(await run("status")).toMatchObject({
      exitCode: 0,
      stdout: "read-only mode is off; 0 of 5 tables refuse writes\n",
    });
    const refused = await run("on");
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain("--confirm=production");
    await world.query("insert into shop.plain values (1)");

    expect(await run("on", "--confirm", "production", "--by", "ann")).toMatchObject({
      exitCode: 0,
      stdout: "read-only: a write to each table was refused\n",
    });
    await expect(world.query("insert into shop.plain values (1)")).rejects.toThrow("read-only");
    expect((await run("status")).stdout).toMatch(
      /^read-only mode is on, by ann at .*; 5 of 5 tables refuse writes\n$/,
    );
    await world.query("alter table shop.plain disable trigger tminus_readonly");
    const amiss = await run("status", "--json");
    expect(amiss.exitCode).toBe(3);
    expect(JSON.parse(amiss.stdout)).toMatchObject({ problems: ["shop.plain has no working trigger"] });

    expect((await run("off", "--confirm", "production")).exitCode).toBe(0);
    await world.query("insert into shop.plain values (1)");
    expect((await run("sideways")).exitCode).toBe(2);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
