import type { HistoryFormat } from "../migrations/migration.ts";

/** What the platform around a database provides before the first file runs, and which schemas are the platform's. */
export interface Baseline {
  sql: string;
  schemas: readonly string[];
}

/**
 * Written from Supabase's public documentation of its schemas, functions and default rights: enough for files that
 * name them, not a copy of the platform. The statements of `baseline` in the settings run after it.
 */
const SUPABASE: Baseline = {
  schemas: [
    "auth",
    "storage",
    "extensions",
    "realtime",
    "graphql",
    "graphql_public",
    "vault",
    "pgbouncer",
    "supabase_functions",
    "net",
    "cron",
  ],
  sql: `
    create schema auth; create schema storage; create schema extensions; create schema realtime;
    create table auth.users (id uuid primary key, email text, phone text, role text, aud text,
      raw_user_meta_data jsonb, raw_app_meta_data jsonb, created_at timestamptz, updated_at timestamptz);
    create table storage.buckets (id text primary key, name text not null, owner uuid, public boolean default false,
      file_size_limit bigint, allowed_mime_types text[], created_at timestamptz, updated_at timestamptz);
    create table storage.objects (id uuid primary key, bucket_id text references storage.buckets, name text, owner uuid,
      metadata jsonb, created_at timestamptz, updated_at timestamptz);
    create function auth.jwt() returns jsonb language sql stable as
      $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
    create function auth.uid() returns uuid language sql stable as $$ select nullif(auth.jwt() ->> 'sub', '')::uuid $$;
    create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
    create function auth.email() returns text language sql stable as $$ select auth.jwt() ->> 'email' $$;
    create function storage.foldername(name text) returns text[] language sql immutable as
      $$ select (string_to_array(name, '/'))[1:cardinality(string_to_array(name, '/')) - 1] $$;
    grant usage on schema public, auth, storage, extensions to anon, authenticated, service_role;
    alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
    alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;`,
};

const NONE: Baseline = { sql: "", schemas: [] };

/** Roles that a baseline names; made in the shadow when they are not there. */
export const BASELINE_ROLES: Readonly<Record<HistoryFormat, readonly string[]>> = {
  native: [],
  prisma: [],
  supabase: ["anon", "authenticated", "service_role"],
};

export function baselineOf(format: HistoryFormat): Baseline {
  return format === "supabase" ? SUPABASE : NONE;
}
