import { describe, expect, it } from "vitest";
import { rlsChecks } from "../../../src/postgres/rls/checks/registry.ts";
import { openRlsWorld } from "./world.ts";

/** For each check SQL that it must find, and the object that it names. */
const LEAKS: Record<string, [sql: string, object: string]> = {
  "table-without-rls": [
    "alter table invoices disable row level security; drop policy own on invoices",
    "public.invoices",
  ],
  "policy-without-rls": ["alter table invoices disable row level security", "public.invoices"],
  "rls-without-policy": ["drop policy own on invoices", "public.invoices"],
  "policy-always-true": [
    "create policy p on invoices for update to tminus_anon using (true)",
    "public.invoices.p",
  ],
  "policy-without-check": ["create policy p on invoices for insert to tminus_anon", "public.invoices.p"],
  "policy-user-metadata": [
    "alter policy own on invoices using ((current_setting('request.jwt.claims')::jsonb -> 'user_metadata' ->> 'w')::int = workspace_id)",
    "public.invoices.own",
  ],
  "policy-call-per-row": ["alter policy own on members using (user_id = auth.uid())", "public.members.own"],
  "view-of-its-owner": [
    "create view bills as select * from invoices; grant select on bills to tminus_anon",
    "public.bills",
  ],
  "definer-search-path": [
    "create function leak() returns int language sql security definer as 'select 1'; revoke execute on function leak() from public",
    "leak()",
  ],
  "definer-open": [
    "create function leak() returns int language sql security definer set search_path = '' as 'select 1'",
    "leak()",
  ],
  "grant-past-rls": ["grant truncate on invoices to tminus_anon", "public.invoices"],
};

describe("structural checks of row security", () => {
  it("find nothing in a tight schema", async () => {
    await using world = await openRlsWorld();
    expect(await world.structure()).toEqual([]);
  });

  it.each(rlsChecks.map(({ id }) => id))("%s finds its own leak", async (id) => {
    const [sql, object] = LEAKS[id]!;
    await using world = await openRlsWorld(sql);
    const found = await world.structure();
    expect(found.map((finding) => `${finding.id} ${finding.object}`)).toContain(`${id} ${object}`);
    expect(found.length).toBeLessThanOrEqual(2);
  });

  it("leave a view alone that reads with the caller's rights, and a policy for reading that is true", async () => {
    await using world = await openRlsWorld(`
      create view bills with (security_invoker = on) as select * from invoices; grant select on bills to tminus_anon`);
    expect(await world.structure()).toEqual([]);
  });
});
