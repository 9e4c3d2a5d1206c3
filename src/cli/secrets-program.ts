import { InvalidArgumentError, type Command } from "commander";
import { parseDuration } from "../lib/duration.ts";
import { example, type Run } from "./declare.ts";

interface Options {
  file: string;
  maxAge: string;
}

/** What people do about credentials by hand; values are never read. */
export function addSecrets(program: Command, run: Run): void {
  const secrets = program
    .command("secrets")
    .description("keep book of credentials: how old they are, and replacing them");

  const age = secrets
    .command("age")
    .description("how old each listed credential is; exits 3 when one is too old or its age is unknown");
  withBook(age);
  example(age, "tminus secrets age", "tminus secrets age --max-age 30d --json");
  age.action((options: Options) =>
    run(async (context) => (await import("./commands/secrets.ts")).secretsAge(context, options)),
  );

  const rotate = secrets
    .command("rotate")
    .argument("<name>", "name of the credential in the file")
    .description("say how a credential is replaced, and write the day down when you say that it is done");
  withBook(rotate).option(
    "--done",
    "it was replaced, redeployed and verified: write today down without asking",
  );
  example(rotate, "tminus secrets rotate OPENAI_API_KEY", "tminus secrets rotate OPENAI_API_KEY --done");
  rotate.action((name: string, options: Options & { done?: boolean }) =>
    run(async (context) => (await import("./commands/secrets.ts")).secretsRotate(context, name, options)),
  );
}

function withBook(command: Command): Command {
  return command
    .option("--file <file>", "YAML file that lists the credentials, from this folder", "credentials.yaml")
    .option(
      "--max-age <duration>",
      "how old a credential may become that says nothing itself",
      durationText,
      "90d",
    );
}

function durationText(text: string): string {
  if (parseDuration(text) === undefined) throw new InvalidArgumentError("Write a duration like 30d.");
  return text;
}
