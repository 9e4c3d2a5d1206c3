import pg from "pg";
import { readOnly } from "../../../src/postgres/session/connect.ts";
import {
  readFingerprint,
  type CatalogObject,
  type Fingerprint,
  type FingerprintOptions,
} from "../../../src/postgres/drift/fingerprint.ts";
import { freshDatabase } from "../../support/database.ts";
import { ensureRoles } from "./sample-schema.ts";

/** A database whose schema is changed and looked at. */
export interface DriftWorld extends AsyncDisposable {
  url: string;
  client: pg.Client;
  run(sql: string): Promise<void>;
  look(options?: FingerprintOptions): Promise<Fingerprint>;
  /** The object with this kind and identity: "column public.users.email". */
  object(name: string): Promise<CatalogObject | undefined>;
}

export async function openDriftWorld(sql = ""): Promise<DriftWorld> {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  client.on("error", () => undefined);
  await client.connect();
  await ensureRoles(client, "tminus_anon", "tminus_member");
  if (sql !== "") await client.query(sql);
  const look = (options?: FingerprintOptions): Promise<Fingerprint> =>
    readOnly({ connectionString: database.url, purpose: "test", statementTimeoutMs: 20_000 }, (session) =>
      readFingerprint(session, options),
    );
  return {
    url: database.url,
    client,
    run: async (text) => void (await client.query(text)),
    look,
    object: async (name) =>
      (await look()).objects.find(({ kind, identity }) => `${kind} ${identity}` === name),
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
    },
  };
}
