import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { TminusError } from "../errors.ts";
import { Secret, type Redactor } from "../lib/redact.ts";

export type Environment = Record<string, string | undefined>;

/**
 * Finds the value behind a reference ("env:NAME", "file:path#NAME", the file in KEY=value lines, relative to
 * the project) and makes the redactor know it. Throws SECRET_MISSING.
 */
export function openSecrets(
  projectDirectory: string,
  environment: Environment,
  redactor: Redactor,
): (reference: string) => Secret {
  return (reference) => {
    const secret = new Secret(lookUp(reference, projectDirectory, environment), reference);
    redactor.add(secret);
    return secret;
  };
}

function lookUp(reference: string, projectDirectory: string, environment: Environment): string {
  const [, scheme, rest] = /^(env|file):(.+)$/s.exec(reference) ?? [];
  if (scheme === "env" && rest !== undefined) {
    return valueOf(environment, rest) ?? missing(reference, `set the environment variable ${rest}`);
  }
  const [file, name] = splitLast(rest ?? "", "#");
  if (scheme !== "file" || name === undefined) return missing(reference, "write env:NAME or file:path#NAME");
  return (
    valueOf(readEntries(resolve(projectDirectory, file), reference), name) ??
    missing(reference, `add ${name}=… to ${file}`)
  );
}

/** An empty value counts as none: an empty connection string would mean whatever server is the default. */
function valueOf(entries: Environment, name: string): string | undefined {
  const value = Object.hasOwn(entries, name) ? entries[name] : undefined;
  return value === "" ? undefined : value;
}

function readEntries(path: string, reference: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    throw new TminusError("SECRET_MISSING", `${reference} cannot be read from ${path}`, { cause: error });
  }
}

function missing(reference: string, hint: string): never {
  throw new TminusError("SECRET_MISSING", `${reference} has no value here`, {
    hint: `${hint}, then run the command again`,
  });
}

function splitLast(text: string, separator: string): [string, string | undefined] {
  const index = text.lastIndexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}
