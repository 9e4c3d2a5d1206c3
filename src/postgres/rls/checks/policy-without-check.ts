import { EXPOSED, type RlsCheck } from "./define.ts";

export const policyWithoutCheck: RlsCheck = {
  id: "policy-without-check",
  level: "fail",
  title: "a policy for writing checks no row",
  fix: "add WITH CHECK with whose rows they are",
  sql: `with ${EXPOSED}
    select name || '.' || quote_ident(polname) as object, 'neither using nor with check' as detail from policy
    where is_open and polpermissive and polcmd in ('a', 'w', '*')
      and check_text is null and (polcmd = 'a' or using_text is null) order by 1`,
};
