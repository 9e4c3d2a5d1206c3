import type { Command } from "commander";
import { example, type Run } from "./declare.ts";

export interface VerifyOptions {
  file?: string;
  anchors?: string;
  bundle?: string;
  key?: string;
  evidence: boolean;
}

export interface ExportOptions {
  output: string;
  evidence: boolean;
}

/** What proves that the history of runs was not changed. */
export function addAudit(program: Command, run: Run): void {
  const audit = program
    .command("audit")
    .description("verify that the history of runs was not changed, and export it");
  declareVerify(audit, run);
  declareExport(audit, run);
  declareBundle(audit, run);
  declareKey(audit, run);
}

function declareVerify(audit: Command, run: Run): void {
  const verify = audit
    .command("verify")
    .description(
      "recompute every hash of the project's log and its runs; exits 1 when something was changed",
    );
  verify
    .option("--file <file>", "verify an export, without the state and without a runbook")
    .option("--anchors <file>", "compare with the anchors in this file; those of the runbook when left out")
    .option("--bundle <file>", "verify a bundle instead, with --key and nothing else")
    .option("--key <file>", "public key, in PEM form, of whoever signed the bundle")
    .option("--no-evidence", "leave out the content of the evidence");
  example(
    verify,
    "tminus audit verify",
    "tminus audit verify --file audit.jsonl --json",
    "tminus audit verify --bundle run.json --key release-key.pub",
  );
  verify.action((options: VerifyOptions) =>
    run(async (context) => (await import("./commands/audit/verify.ts")).verifyAudit(context, options)),
  );
}

function declareExport(audit: Command, run: Run): void {
  const command = audit
    .command("export")
    .description(
      "write the project's history to a file that can be verified anywhere, one JSON object a line",
    );
  command
    .requiredOption("-o, --output <file>", "file to write; replaced when it exists")
    .option("--no-evidence", "leave out the content of the evidence");
  example(command, "tminus audit export -o audit.jsonl");
  command.action((options: ExportOptions) =>
    run(async (context) => (await import("./commands/audit/export.ts")).exportAudit(context, options)),
  );
}

function declareBundle(audit: Command, run: Run): void {
  const bundle = audit
    .command("bundle")
    .argument("<run>", "id of a run that has ended, or the beginning of one")
    .description(
      "write a signed statement about a run: release, plan, gates, decisions, evidence, verdict, end",
    );
  bundle.requiredOption("-o, --output <file>", "file to write; replaced when it exists");
  example(bundle, "tminus audit bundle r0a1b2c3 -o run.json");
  bundle.action((id: string, options: { output: string }) =>
    run(async (context) => (await import("./commands/audit/bundle.ts")).bundleRun(context, id, options)),
  );
}

function declareKey(audit: Command, run: Run): void {
  const key = audit
    .command("key")
    .description(
      "print the public key of what signs bundles; makes the key in the state folder when there is none",
    );
  example(key, "tminus audit key > release-key.pub");
  key.action(() => run(async (context) => (await import("./commands/audit/key.ts")).showKey(context)));
}
