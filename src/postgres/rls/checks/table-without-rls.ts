import { EXPOSED, type RlsCheck } from "./define.ts";

export const tableWithoutRls: RlsCheck = {
  id: "table-without-rls",
  level: "fail",
  title: "row security is off on a table that people from outside can use",
  fix: "enable row level security and write its policies, or revoke the rights",
  sql: `with ${EXPOSED}
    select name as object, 'open to ' || open_to as detail from exposed
    where relkind in ('r', 'p') and not relrowsecurity and open_to is not null order by 1`,
};
