import pg from "pg";

/** A bit of everything that a fingerprint tells. The roles are made once per server. */
export const SAMPLE_SCHEMA = `
  create type public.status as enum ('draft', 'sent', 'paid');
  create domain public.email as text not null check (value like '%@%');
  create type public.address as (street text, zip varchar(10));
  create sequence public.ticket increment 5 start 10;
  create table public.users (
    id bigint generated always as identity primary key,
    email public.email, name text default 'nobody' not null, born timestamptz default '2020-01-01 00:00+02',
    upper_name text generated always as (upper(name)) stored,
    constraint "Long name" check (length(name) < 200));
  create table public.invoices (
    id uuid primary key default gen_random_uuid(), user_id bigint not null references public.users on delete cascade,
    status public.status not null default 'draft', total numeric(10, 2) check (total >= 0), note text collate "C");
  create index invoices_user on public.invoices (user_id) include (total) where status <> 'paid';
  alter table public.invoices add constraint note_short check (length(note) < 10) not valid;
  create function public.total(u bigint) returns numeric language sql stable security definer set search_path = ''
    as $$ select sum(total) from public.invoices where user_id = u $$;
  create function public.touch() returns trigger language plpgsql as $$ begin return new; end $$;
  create trigger touch before update on public.invoices for each row execute function public.touch();
  create view public.open_invoices with (security_invoker = true) as
    select i.id, u.name from public.invoices i join public.users u on u.id = i.user_id where i.status <> 'paid';
  create materialized view public.totals as select user_id, sum(total) as total from public.invoices group by 1;
  alter table public.invoices enable row level security;
  create policy own on public.invoices for all to public using (user_id = 1) with check (user_id = 1);
  create table public.log (at timestamptz, line text) partition by range (at);
  create table public.log_2026 partition of public.log for values from ('2026-01-01') to ('2027-01-01');
  create publication sample for table public.users;
`;

/** Creates roles that may exist already: they belong to the server, which tests share. */
export async function ensureRoles(client: pg.Client, ...names: string[]): Promise<void> {
  for (const name of names) {
    await client.query(`create role ${name} nologin`).catch((error: { code?: string }) => {
      // Made by another test, perhaps at the same time.
      if (!["42710", "23505"].includes(error.code ?? "")) throw error;
    });
  }
}
