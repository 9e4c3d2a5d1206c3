import type { RawAnswer } from "./raw-request.ts";

/** Whoever is answered so was let do it, whatever came of it, and was understood. */
export function isLetThrough({ status, code, message }: RawAnswer): boolean {
  if (status >= 500 || status === 401) return false;
  if (code === "USAGE_INVALID")
    return !/^(json|form|param|query|header|cookie|the request|the header)\b/.test(message);
  return (
    !["PERMISSION_REFUSED", "ORIGIN_REFUSED", "APPROVAL_REFUSED", "IDENTITY_REFUSED"].includes(code ?? "") &&
    !message.startsWith("there is nothing at")
  );
}
