import type { RlsCheck } from "./define.ts";
import { definerOpen } from "./definer-open.ts";
import { definerSearchPath } from "./definer-search-path.ts";
import { grantPastRls } from "./grant-past-rls.ts";
import { policyAlwaysTrue } from "./policy-always-true.ts";
import { policyCallPerRow } from "./policy-call-per-row.ts";
import { policyUserMetadata } from "./policy-user-metadata.ts";
import { policyWithoutCheck } from "./policy-without-check.ts";
import { policyWithoutRls } from "./policy-without-rls.ts";
import { rlsWithoutPolicy } from "./rls-without-policy.ts";
import { tableWithoutRls } from "./table-without-rls.ts";
import { viewOfItsOwner } from "./view-of-its-owner.ts";

/** Every structural check of row security. A new one adds its line. */
export const rlsChecks: readonly RlsCheck[] = [
  tableWithoutRls,
  policyWithoutRls,
  rlsWithoutPolicy,
  policyAlwaysTrue,
  policyWithoutCheck,
  policyUserMetadata,
  policyCallPerRow,
  viewOfItsOwner,
  definerSearchPath,
  definerOpen,
  grantPastRls,
];
