import { TminusError } from "../../errors.ts";
import { randomText } from "../../lib/id.ts";
import type { ScratchDatabase } from "../../model/ports.ts";
import { openSession, type SessionOptions } from "../session/connect.ts";
import { explainRefusal } from "./refusal.ts";

/** A database that a restore goes into. */
export interface NewDatabase {
  connectionString: string;
  /** False when it was there, empty, before. */
  isNew: boolean;
  /** Removes it again when this call made it. */
  discard(): Promise<void>;
}

/**
 * Makes a database with the locale of the one that `options` connect to, on the same server. One that exists is
 * taken as it is: restoring into it is refused unless it is empty. Errors: RESTORE_REFUSED for the database itself,
 * BACKUP_FAILED when the server refuses, DATABASE_UNREACHABLE.
 */
export async function makeDatabase(options: SessionOptions, name: string): Promise<NewDatabase> {
  return explainRefusal(`the database ${name} cannot be made`, async () => {
    await using session = await openSession(options);
    const rows = await session.query<{ row: Record<string, string | null>; exists: boolean; own: boolean }>(
      `select to_jsonb(d) as row, exists (select 1 from pg_database where datname = $1) as exists, current_database() = $1 as own
       from pg_database d where d.datname = current_database()`,
      [name],
    );
    const { row, exists, own } = rows[0]!;
    if (own) {
      throw new TminusError(
        "RESTORE_REFUSED",
        `${name} is the database itself: a restore never goes over a live one`,
      );
    }
    const connectionString = connectionTo(options.connectionString, name);
    if (exists) return { connectionString, isNew: false, discard: async () => undefined };
    await session.query(`create database ${quoted(name)} template template0 ${localeOf(row)}`);
    return {
      connectionString,
      isNew: true,
      async discard() {
        await using again = await openSession({
          connectionString: options.connectionString,
          purpose: "restore",
          statementTimeoutMs: options.statementTimeoutMs,
        });
        await again.query(`drop database if exists ${quoted(name)} with (force)`);
      },
    };
  });
}

/**
 * A copy of a restored database, on its server: takes as long as copying its files. Nobody may be connected to
 * the original meanwhile. Errors: BACKUP_FAILED (somebody is connected), DATABASE_UNREACHABLE.
 */
export async function cloneDatabase(
  original: ScratchDatabase,
  options: Omit<SessionOptions, "connectionString" | "purpose">,
): Promise<ScratchDatabase> {
  const admin = {
    ...options,
    connectionString: connectionTo(original.connectionString, "postgres"),
    purpose: "clone",
  };
  const name = `t_${randomText(12)}`;
  await explainRefusal("the restored database cannot be copied", async () => {
    await using session = await openSession(admin);
    await session.query(
      `create database ${quoted(name)} template ${quoted(databaseOf(original.connectionString))} strategy file_copy`,
    );
  });
  return {
    connectionString: connectionTo(original.connectionString, name),
    async [Symbol.asyncDispose]() {
      // Also when the work in it was aborted.
      await using session = await openSession({
        connectionString: admin.connectionString,
        purpose: "clone",
        statementTimeoutMs: options.statementTimeoutMs,
      });
      await session.query(`drop database if exists ${quoted(name)} with (force)`);
    },
  };
}

function localeOf(row: Record<string, string | null>): string {
  const literal = (text: string | null | undefined): string => `'${(text ?? "").replaceAll("'", "''")}'`;
  const locale = row.datlocale ?? row.daticulocale;
  const provider =
    row.datlocprovider === "i"
      ? ` locale_provider icu icu_locale ${literal(locale)}`
      : row.datlocprovider === "b"
        ? ` locale_provider builtin builtin_locale ${literal(locale)}`
        : "";
  return `encoding 'UTF8' lc_collate ${literal(row.datcollate)} lc_ctype ${literal(row.datctype)}${provider}`;
}

function connectionTo(connectionString: string, database: string): string {
  const url = parsed(connectionString);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

function databaseOf(connectionString: string): string {
  return decodeURIComponent(parsed(connectionString).pathname.slice(1));
}

function parsed(connectionString: string): URL {
  if (URL.canParse(connectionString)) return new URL(connectionString);
  throw new TminusError(
    "BACKUP_FAILED",
    "the connection string is not a URL, so that another database cannot be named in it",
    {
      hint: "Write it as postgres://user:password@host/database.",
    },
  );
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
