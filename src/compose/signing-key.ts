import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redactor } from "../lib/redact.ts";
import { TminusError, toErrorRecord } from "../errors.ts";
import { openSecrets, type Environment } from "./secrets.ts";

export interface KeyPlace {
  stateDirectory: string;
  projectDirectory: string;
  environment: Environment;
}

export interface SigningKey {
  /** Where it is: a path, or the reference in TMINUS_SIGNING_KEY. */
  from: string;
  privateKey: KeyObject;
  /** PEM. */
  publicKey: string;
}

/** The key that TMINUS_SIGNING_KEY refers to, else the one in the state folder. Errors: SIGNING_KEY_MISSING, SECRET_MISSING. */
export async function readSigningKey(place: KeyPlace): Promise<SigningKey> {
  const reference = place.environment.TMINUS_SIGNING_KEY;
  if (reference !== undefined && reference !== "") {
    const secret = openSecrets(place.projectDirectory, place.environment, new Redactor());
    return toKey(secret(reference).reveal(), reference);
  }
  const path = keyFile(place);
  try {
    return toKey(await readFile(path, "utf8"), path);
  } catch (error) {
    if (error instanceof TminusError) throw error;
    throw missing(`${path} cannot be read: ${toErrorRecord(error).message}`, error);
  }
}

/** The key there is; makes one in the state folder when there is none, readable by nobody else. Never replaces one. */
export async function makeSigningKey(place: KeyPlace): Promise<SigningKey & { isNew: boolean }> {
  if ((place.environment.TMINUS_SIGNING_KEY ?? "") !== "")
    return { ...(await readSigningKey(place)), isNew: false };
  await mkdir(place.stateDirectory, { recursive: true });
  const { privateKey } = generateKeyPairSync("ed25519");
  try {
    await writeFile(keyFile(place), privateKey.export({ type: "pkcs8", format: "pem" }), {
      flag: "wx",
      mode: 0o600,
    });
    return { ...(await readSigningKey(place)), isNew: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return { ...(await readSigningKey(place)), isNew: false };
  }
}

function keyFile({ stateDirectory }: KeyPlace): string {
  return join(stateDirectory, "audit-key.pem");
}

/** What is wrong is told without the error of the library: it may quote the key. */
function toKey(pem: string, from: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw missing(`${from} is no private key in PEM form`);
  }
  if (privateKey.asymmetricKeyType !== "ed25519")
    throw missing(`${from} is a key of type ${privateKey.asymmetricKeyType}, not ed25519`);
  const publicKey = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
  return { from, privateKey, publicKey };
}

function missing(message: string, cause?: unknown): TminusError {
  return new TminusError("SIGNING_KEY_MISSING", message, { cause });
}
