import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { probePlanOf, rlsSettings } from "../../../src/postgres/rls/settings.ts";

describe("the fixture of the probes", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tminus-rls-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("is refused when it ends the transaction that takes it back", async () => {
    await writeFile(join(folder, "seed.sql"), "insert into t values ('commit');\ncommit;\n");
    const settings = rlsSettings.parse({ fixture: "seed.sql" });
    await expect(probePlanOf(settings, folder)).rejects.toMatchObject({
      code: "RUNBOOK_INVALID",
      message: expect.stringContaining("seed.sql:2:1: commit would keep it") as string,
    });
  });

  it("is taken as it is otherwise", async () => {
    const text = "insert into t values ('commit');\n";
    await writeFile(join(folder, "seed.sql"), text);
    const settings = rlsSettings.parse({ fixture: "seed.sql" });
    expect((await probePlanOf(settings, folder)).fixture).toBe(text);
  });
});
