import { EXPOSED, type RlsCheck } from "./define.ts";

export const policyUserMetadata: RlsCheck = {
  id: "policy-user-metadata",
  level: "fail",
  title: "a policy trusts user_metadata, which users write themselves",
  fix: "use app_metadata, or a table of members",
  sql: `with ${EXPOSED}
    select name || '.' || quote_ident(polname) as object, concat_ws(' / ', using_text, check_text) as detail from policy
    where concat_ws(' ', using_text, check_text) ~ 'user_meta_?data' order by 1`,
};
