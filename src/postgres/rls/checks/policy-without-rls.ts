import { EXPOSED, type RlsCheck } from "./define.ts";

export const policyWithoutRls: RlsCheck = {
  id: "policy-without-rls",
  level: "fail",
  title: "policies are written but row security is off, so that they do nothing",
  fix: "alter table … enable row level security",
  sql: `with ${EXPOSED}
    select name as object, string_agg(polname, ', ' order by polname) as detail from policy
    where not relrowsecurity group by 1 order by 1`,
};
