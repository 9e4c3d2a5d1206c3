import * as z from "zod";
import type { NewPullRequest, Proposed } from "../../model/scm.ts";
import type { Api } from "./api.ts";

const openedSchema = z.object({ number: z.int(), html_url: z.string() });

/** https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request */
export async function propose(
  api: Api,
  { from, into, title, body }: NewPullRequest,
  signal: AbortSignal,
): Promise<Proposed> {
  const made = await api.post("pulls", { head: from, base: into, title, body }, openedSchema, signal);
  if (made.ok) return { state: "opened", number: made.value.number, url: made.value.html_url };
  // An answer below 500 is GitHub's word that it made nothing.
  const isRefused = made.status !== undefined && made.status >= 400 && made.status < 500;
  return { state: isRefused ? "refused" : "unknown", reason: made.reason };
}
