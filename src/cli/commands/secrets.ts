import type { ListedCredential } from "../../compose/credentials.ts";
import type { ExitCode } from "../../error-codes.ts";
import { TminusError } from "../../errors.ts";
import { suggest } from "../../lib/did-you-mean.ts";
import { clean } from "../../report/text.ts";
import { isInteractive, type CommandContext } from "../command-context.ts";

export interface SecretsOptions {
  file: string;
  /** As the user wrote it: 90d. */
  maxAge: string;
}

/** Exit code 3 when one is older than it may be, or nobody knows how old it is. Requirement A6. */
export async function secretsAge(context: CommandContext, options: SecretsOptions): Promise<ExitCode> {
  const listed = await list(context, options);
  const exitCode = listed.every(({ age }) => age.state === "fresh") ? 0 : 3;
  context.output.result(
    { credentials: listed.map(ageJson), exitCode },
    listed.length === 0 ? [`${options.file} lists nothing`] : listed.map(ageLine),
  );
  return exitCode;
}

/**
 * Says step by step how a credential is replaced, and writes the day down once a person says that it was. Replacing,
 * redeploying and verifying are done by people: nothing here touches the credential.
 */
export async function secretsRotate(
  context: CommandContext,
  name: string,
  options: SecretsOptions & { done?: boolean },
): Promise<ExitCode> {
  const { output, host, cancelled } = context;
  const listed = await list(context, options);
  const found = listed.find(({ credential }) => credential.name === name);
  if (found === undefined)
    throw new TminusError("USAGE_INVALID", `${options.file} does not list ${clean(name)}`, {
      hint: suggest(
        name,
        listed.map(({ credential }) => credential.name),
        "It lists",
      ),
    });
  const steps = stepsOf(found);
  for (const line of [ageLine(found), ...steps]) output.line(clean(line));
  const day = host.clock.now().toISOString().slice(0, 10);
  const isDone = options.done === true || (isInteractive(context) && (await isConfirmed(context, name, day)));
  cancelled.throwIfAborted();
  if (isDone) {
    const { recordRotation } = await import("../../compose/credentials.ts");
    recordRotation(host.directory, options.file, name, day);
  }
  output.result({ name, steps, rotated: isDone ? day : null }, [
    isDone
      ? `${options.file} now says that ${name} was replaced on ${day}; commit it`
      : `nothing was written; when it is done: tminus secrets rotate ${name} --done`,
  ]);
  return 0;
}

async function isConfirmed({ host, cancelled }: CommandContext, name: string, day: string): Promise<boolean> {
  const question = `When ${name} is replaced, redeployed and verified, type its name to write ${day} down: `;
  return (await host.ask(question, cancelled)).trim() === name;
}

function stepsOf({ credential: { howToRotate, howToVerify, reference } }: ListedCredential): string[] {
  const place = reference === undefined ? "where it is used" : `where ${reference} is read`;
  return [
    `1. Make a new one: ${howToRotate ?? "the file does not say how (howToRotate)"}`,
    `2. Set it ${place}; keep the old one valid for now`,
    "3. Redeploy what uses it: tminus deploy --release <the release that is live>",
    `4. Verify: ${howToVerify ?? "the file does not say how (howToVerify)"}`,
    "5. Revoke the old one, and verify again",
  ];
}

async function list({ host }: CommandContext, { file, maxAge }: SecretsOptions): Promise<ListedCredential[]> {
  const { listCredentials } = await import("../../compose/credentials.ts");
  return listCredentials(host.directory, file, maxAge, host.clock.now());
}

function ageJson({ age: { name, rotated, ageDays, maxAgeDays, state } }: ListedCredential) {
  return { name, rotated: rotated ?? null, ageDays: ageDays ?? null, maxAgeDays, state };
}

function ageLine({ age: { name, ageDays, maxAgeDays, state } }: ListedCredential): string {
  const age = ageDays === undefined ? "age unknown" : `${ageDays} days`;
  const word = { fresh: "", old: ": too old", unknown: ": write it down" }[state];
  return clean(`${name}: ${age}, ${maxAgeDays} allowed${word}`);
}
