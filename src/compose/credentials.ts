import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { isScalar } from "yaml";
import { TminusError } from "../errors.ts";
import { writeFileAtomically } from "../lib/write-file.ts";
import { readListFile } from "../gates/list-file.ts";
import {
  agesOf,
  credentialSchema,
  type Credential,
  type CredentialAge,
} from "../gates/secrets/credentials.ts";

export interface ListedCredential {
  credential: Credential;
  age: CredentialAge;
}

/** The credentials that a file lists, with their ages. Errors: USAGE_INVALID, which names file, line and column. */
export function listCredentials(
  directory: string,
  file: string,
  maxAge: string,
  now: Date,
): ListedCredential[] {
  const credentials = read(directory, file).items.map(({ value }) => value);
  const ages = agesOf(credentials, maxAge, now);
  return credentials.map((credential, index) => ({ credential, age: ages[index]! }));
}

/**
 * Writes the day (2026-11-27) into the file as the one on which the credential was replaced; everything else in the
 * file stays as it is. May be repeated. Errors: USAGE_INVALID when the file does not list it.
 */
export function recordRotation(directory: string, file: string, name: string, day: string): void {
  const { items, document } = read(directory, file);
  const index = items.findIndex(({ value }) => value.name === name);
  if (index < 0) throw new TminusError("USAGE_INVALID", `${file} does not list ${name}`);
  const path = resolve(directory, file);
  const text = readFileSync(path, "utf8");
  const mode = statSync(path).mode & 0o777;
  const rotated: unknown = document.getIn([index, "rotated"], true);
  if (isScalar(rotated) && Array.isArray(rotated.range))
    return writeFileAtomically(
      path,
      text.slice(0, rotated.range[0]) + day + text.slice(rotated.range[1]),
      mode,
    );
  document.setIn([index, "rotated"], day);
  writeFileAtomically(path, document.toString({ lineWidth: 0 }), mode);
}

function read(directory: string, file: string) {
  const list = readListFile(directory, file, credentialSchema);
  if (list.state === "read") return list;
  throw new TminusError("USAGE_INVALID", list.reason, {
    hint: "List the credentials in a YAML file and name it with --file; docs/gates/secrets.age.md shows one.",
  });
}
