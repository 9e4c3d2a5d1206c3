import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument, type Document } from "yaml";

const FOLDER = join(import.meta.dirname, "../../../examples/checklists");

/** Where on this machine the world of a checklist is. */
export interface Addresses {
  ports: Readonly<Record<"staging" | "production", number>>;
  github: string;
  sentry: string;
  shop: string;
  cdn: string;
}

/** A checklist of examples/checklists with these addresses for those that are written there. */
export function checklistRunbook(name: string, at: Addresses): Document {
  const text = readFileSync(join(FOLDER, `${name}.yaml`), "utf8")
    .replaceAll("https://shop.example.com", at.shop)
    .replaceAll("https://cdn.example.com", at.cdn)
    .replaceAll("4310", String(at.ports.production))
    .replaceAll("4320", String(at.ports.staging));
  const runbook = parseDocument(text);
  if (runbook.has("scm")) runbook.setIn(["scm", "url"], at.github);
  const sentry = ["environments", "production", "signals", "sentry"];
  if (runbook.hasIn(sentry)) runbook.setIn([...sentry, "url"], at.sentry);
  const { gates } = runbook.toJS() as { gates: { kind: string }[] };
  for (const [index, { kind }] of gates.entries())
    if (kind === "tls.certificate") runbook.setIn(["gates", index, "with", "authorities"], "authority.pem");
  return runbook;
}
