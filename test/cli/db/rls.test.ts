import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ANNA, BERT, openRlsWorld, type RlsWorld } from "../../postgres/rls/world.ts";
import { runCommand, type CommandResult } from "../support/run-command.ts";

const NO_RUNS = (): Promise<never> => Promise.reject(new Error("not used here"));
const directory = mkdtempSync(join(tmpdir(), "tminus-db-rls-"));
let world: RlsWorld;
beforeAll(async () => {
  world = await openRlsWorld();
  const settings = {
    anonymous: { role: "tminus_anon" },
    authenticated: { role: "tminus_member" },
    tenantA: { role: "tminus_member", claims: { sub: ANNA }, tenant: 1 },
    tenantB: { role: "tminus_member", claims: { sub: BERT }, tenant: 2 },
    tables: { countries: { public: ["select"] } },
  };
  writeFileSync(join(directory, "rls.json"), JSON.stringify(settings));
  writeFileSync(join(directory, "wrong.json"), JSON.stringify({ ...settings, tenantC: {} }));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const run = (settings: string, ...argv: string[]): Promise<CommandResult> =>
  runCommand(
    NO_RUNS,
    ["db", "rls", "--settings", settings, "--tenant-column", "workspace_id", "--database", "env:DB", ...argv],
    { directory, environment: { DB: world.drift.url } },
  );

describe("tminus db rls", () => {
  it("exits 0 when every probe went as expected, 3 for a hole, 2 for settings that are none", async () => {
    expect(await run("rls.json")).toMatchObject({ exitCode: 0 });
    await world.drift.run("alter table invoices disable row level security");
    const { exitCode, stdout } = await run("rls.json");
    expect(exitCode).toBe(3);
    expect(stdout).toContain("LEAK  tenantA update public.invoices");
    expect(stdout).toContain("HOLE  table-without-rls public.invoices");
    expect(JSON.parse((await run("rls.json", "--json")).stdout)).toMatchObject({
      verdict: "fail",
      exitCode: 3,
    });
    await world.drift.run("alter table invoices enable row level security; delete from invoices");
    expect(await run("rls.json")).toMatchObject({ exitCode: 1 });
    const wrong = await run("wrong.json");
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain("tenantC");
    expect((await run("none.json")).exitCode).toBe(2);
  });
});
