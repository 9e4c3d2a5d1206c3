import { describe, expect, it } from "vitest";
import type { ProbeResult } from "../../../src/postgres/rls/probe.ts";
import { openRlsWorld, PLAN } from "./world.ts";

/** "tenantA update public.invoices". */
function of(results: readonly ProbeResult[], outcome: ProbeResult["outcome"]): string[] {
  return results
    .filter((result) => result.outcome === outcome)
    .map(({ identity, verb, table }) => `${identity} ${verb} ${table}`)
    .sort();
}

describe("behavioural probes", () => {
  it("find nothing in a tight schema, and leave nothing behind", async () => {
    await using world = await openRlsWorld();
    const before = (await world.drift.client.query("select * from invoices order by id")).rows as unknown[];
    const results = await world.probe();
    expect(of(results, "leak")).toEqual([]);
    expect(of(results, "unknown")).toEqual([]);
    expect(of(results, "allowed")).toEqual([
      "anonymous select public.countries",
      "authenticated select public.countries",
    ]);
    expect(results.filter(({ table }) => table === "public.invoices")).toHaveLength(16);
    expect((await world.drift.client.query("select * from invoices order by id")).rows).toEqual(before);
  });

  it.each([
    [
      "row security that is off",
      "alter table invoices disable row level security",
      [
        "anonymous delete",
        "anonymous insert",
        "anonymous select",
        "anonymous update",
        "authenticated delete",
        "authenticated insert",
        "authenticated select",
        "authenticated update",
        "tenantA delete",
        "tenantA insert",
        "tenantA select",
        "tenantA update",
        "tenantB delete",
        "tenantB insert",
        "tenantB select",
        "tenantB update",
      ],
    ],
    [
      "a policy that lets everybody read",
      "create policy see on invoices for select to tminus_member using (true)",
      ["authenticated select", "tenantA select", "tenantB select"],
    ],
    [
      "a policy without a check of the new row",
      "alter policy own on invoices with check (true)",
      ["authenticated insert", "tenantA insert", "tenantA update", "tenantB insert", "tenantB update"],
    ],
    [
      "an update policy that only a statement without a condition gets through",
      `
      create policy change on invoices for update to tminus_member using (true)
        with check (workspace_id in (select workspace_id from members where user_id = (select auth.uid())))`,
      ["tenantA update", "tenantB update"],
    ],
    [
      "a delete policy that only a statement without a condition gets through",
      "create policy remove on invoices for delete to tminus_member using (true)",
      ["authenticated delete", "tenantA delete", "tenantB delete"],
    ],
  ])("find %s", async (_, sql, leaks) => {
    await using world = await openRlsWorld(sql);
    expect(of(await world.probe(), "leak")).toEqual(leaks.map((leak) => `${leak} public.invoices`));
  });

  it("find a view that reads with the rights of its owner, and not one that reads with the caller's", async () => {
    const view = (options: string): string =>
      `create view bills ${options} as select id, workspace_id from invoices; grant select on bills to tminus_anon, tminus_member`;
    await using leaky = await openRlsWorld(view(""));
    expect(of(await leaky.probe(), "leak")).toEqual(
      ["anonymous", "authenticated", "tenantA", "tenantB"].map(
        (identity) => `${identity} select public.bills`,
      ),
    );
    await using tight = await openRlsWorld(view("with (security_invoker = true)"));
    expect(of(await tight.probe(), "leak")).toEqual([]);
  });

  it("could not find out where there is no row to try, nobody to ask as, or a role that does not see all", async () => {
    await using world = await openRlsWorld("delete from invoices");
    const empty = await world.probe();
    expect(of(empty, "unknown")).toContain("tenantA select public.invoices");
    expect(of(empty, "unknown")).toContain("tenantB update public.invoices");
    expect(of(empty, "leak")).toEqual([]);
    const nobody = await world.probe({ identities: { anonymous: PLAN.identities.anonymous! } });
    expect(of(nobody, "unknown")).toContain("tenantA select public.members");
    const wrong = await world.probe({
      identities: { ...PLAN.identities, anonymous: { role: "tminus_no_such_role", claims: {}, set: {} } },
    });
    expect(of(wrong, "unknown")).toContain("anonymous select public.members");
    const misnamed = await world.probe({ tables: { bills: { public: [], members: [] } } });
    expect(misnamed.find(({ table }) => table === "bills")?.outcome).toBe("unknown");
  });

  it("tries with rows that a fixture makes, and rolls them back", async () => {
    await using world = await openRlsWorld("delete from invoices");
    const fixture = "insert into invoices (workspace_id, title, total) values (1, 'x', 1), (2, 'y', 1)";
    const results = await world.probe({ fixture });
    expect(of(results, "unknown")).toEqual([]);
    expect((await world.drift.client.query("select 1 from invoices")).rows).toEqual([]);
  });

  it("take a row that only a constraint stopped for one that got through", async () => {
    await using world = await openRlsWorld(
      "alter policy own on invoices with check (true); alter table invoices add check (total < 1000) not valid; update invoices set total = 5; alter table invoices add unique (workspace_id, title)",
    );
    const insert = (await world.probe()).find(
      ({ identity, verb, table }) =>
        identity === "authenticated" && verb === "insert" && table === "public.invoices",
    );
    expect(insert).toMatchObject({
      outcome: "leak",
      reason: expect.stringContaining("only a constraint") as unknown,
    });
  });

  it("ask through plain settings where there are no claims", async () => {
    await using world = await openRlsWorld(`
      create table notes (tenant text not null, line text);
      insert into notes values ('one', 'a'), ('two', 'b');
      alter table notes enable row level security;
      create policy own on notes using (tenant = current_setting('app.tenant', true));
      grant all on notes to tminus_member`);
    const as = (tenant: string) => ({
      role: "tminus_member",
      claims: {},
      set: { "app.tenant": tenant },
      tenant,
    });
    const results = await world.probe({
      identities: { ...PLAN.identities, tenantA: as("one"), tenantB: as("two") },
      tenantColumn: "tenant",
    });
    const notes = results.filter(({ table }) => table === "public.notes");
    expect(notes.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 16 }, () => "refused"));
  });
});
