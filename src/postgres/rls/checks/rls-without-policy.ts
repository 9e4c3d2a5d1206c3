import { EXPOSED, type RlsCheck } from "./define.ts";

export const rlsWithoutPolicy: RlsCheck = {
  id: "rls-without-policy",
  level: "note",
  title: "row security is on without any policy: nobody but the owner sees a row",
  fix: "write a policy, or say in the files that this is meant",
  sql: `with ${EXPOSED}
    select name as object, 'no policy' as detail from exposed
    where relkind in ('r', 'p') and relrowsecurity and open_to is not null
      and not exists (select from pg_policy p where p.polrelid = exposed.oid) order by 1`,
};
