import { EXPOSED, type RlsCheck } from "./define.ts";

export const policyAlwaysTrue: RlsCheck = {
  id: "policy-always-true",
  level: "fail",
  title: "a policy lets everybody of a role write every row",
  fix: "name whose rows they are in USING and WITH CHECK",
  sql: `with ${EXPOSED}
    select name || '.' || quote_ident(polname) as object,
      concat_ws(', ', 'using (' || using_text || ')', 'with check (' || check_text || ')') as detail from policy
    where is_open and polpermissive and polcmd in ('a', 'w', 'd', '*')
      and (using_text = 'true' and polcmd <> 'a' or check_text = 'true') order by 1`,
};
