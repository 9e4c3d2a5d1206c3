import { EXPOSED, type RlsCheck } from "./define.ts";

export const policyCallPerRow: RlsCheck = {
  id: "policy-call-per-row",
  level: "note",
  title: "a policy calls auth.uid() or current_setting() once per row",
  fix: "wrap the call: (select auth.uid())",
  sql: `with ${EXPOSED}
    select name || '.' || quote_ident(polname) as object, concat_ws(' / ', using_text, check_text) as detail from policy
    where regexp_replace(concat_ws(' ', using_text, check_text),
      '\\( SELECT (auth\\.[a-z]+\\(\\)|current_setting\\([^)]*\\))', '', 'g') ~ '(auth\\.(uid|jwt|role|email)|current_setting)\\(' order by 1`,
};
