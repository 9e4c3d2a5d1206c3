import { createPublicKey, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { openEnvelope } from "../../../audit/dsse.ts";
import { RUN_PREDICATE, STATEMENT_PAYLOAD } from "../../../audit/statement.ts";
import { TminusError, toErrorRecord } from "../../../errors.ts";
import type { ExitCode } from "../../../error-codes.ts";
import { jsonObject } from "../../../model/audit.ts";
import { clean } from "../../../report/text.ts";
import type { CommandContext } from "../../command-context.ts";

/** Exit code 1 when the key did not sign the bundle as it is. Needs no state and no runbook. */
export async function verifyBundle(
  { output, host }: CommandContext,
  files: { bundle: string; key: string },
): Promise<ExitCode> {
  const [text, pem] = await Promise.all(
    [files.bundle, files.key].map((file) => readText(resolve(host.directory, file))),
  );
  const opened = openEnvelope(text!, publicKeyOf(pem!, files.key));
  if (opened === undefined) {
    output.result({ verdict: "broken", exitCode: 1 }, [
      output.style.red(`✗ ${clean(files.bundle)} was not signed by this key, or was changed afterwards`),
    ]);
    return 1;
  }
  const statement = opened.payloadType === STATEMENT_PAYLOAD ? jsonObject(opened.payload) : undefined;
  if (statement?.predicateType !== RUN_PREDICATE)
    throw new TminusError(
      "AUDIT_UNREADABLE",
      `${clean(files.bundle)} is signed, but states nothing about a run of tminus`,
    );
  output.result({ verdict: "sound", statement, exitCode: 0 }, [
    output.style.green(`✓ ${clean(files.bundle)} is as it was signed`),
    ...linesOf(statement.predicate),
  ]);
  return 0;
}

function linesOf(predicate: unknown): string[] {
  if (typeof predicate !== "object" || predicate === null) return [];
  const about = predicate as Record<string, unknown>;
  return ["run", "project", "environment", "release", "startedBy", "createdAt", "outcome"].map(
    (name) => `  ${name}: ${clean(JSON.stringify(about[name] ?? null))}`,
  );
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new TminusError("AUDIT_UNREADABLE", `${clean(path)}: ${toErrorRecord(error).message}`, {
      cause: error,
    });
  }
}

function publicKeyOf(pem: string, file: string): KeyObject {
  try {
    const key = createPublicKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // told below without the library's words: the file may hold anything
  }
  throw new TminusError("AUDIT_UNREADABLE", `${clean(file)} is no ed25519 public key in PEM form`, {
    hint: "Give what tminus audit key printed.",
  });
}
