import { randomText } from "../../src/lib/id.ts";
import { openClient } from "../../src/store/pool.ts";

export interface ApplicationRole {
  /** Connection string of the state database for the role. */
  url: string;
  /** Before the database itself is dropped. */
  drop(): Promise<void>;
}

/** A role that owns nothing, with what a worker and the command line need of a state database that is up to date. */
export async function applicationRole(stateUrl: string): Promise<ApplicationRole> {
  const name = `tminus_app_${randomText(8)}`;
  await asOwner(stateUrl, [`create role ${name} login`, `select tminus.grant_application('${name}')`]);
  const url = new URL(stateUrl);
  url.username = name;
  return {
    url: url.href,
    drop: () => asOwner(stateUrl, [`drop owned by ${name}`, `drop role ${name}`]),
  };
}

async function asOwner(url: string, statements: readonly string[]): Promise<void> {
  const client = await openClient(url);
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
