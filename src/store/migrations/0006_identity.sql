-- Who may sign in. Everything is changed through the functions below, each of which writes an identity_event.
create table tminus.user_account (
  name text primary key, -- in the one spelling in which names are compared
  roles text[] not null check (roles <@ array['viewer', 'operator', 'approver', 'admin']),
  password_hash text,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  disabled_at timestamptz
);

-- An e-mail belongs to one user for ever, also to one who was disabled: nobody gets a second name by it.
create table tminus.user_email (
  email text primary key,
  user_name text not null references tminus.user_account (name)
);
create index user_email_by_user on tminus.user_email (user_name);

create table tminus.api_token (
  id text primary key,
  sha256 text not null unique,
  name text not null,
  owner text not null references tminus.user_account (name),
  kind text not null check (kind in ('human', 'agent')),
  roles text[] not null,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  expires_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_token_by_owner on tminus.api_token (owner);

-- Attempts to sign in that have not succeeded, also of names that nobody has.
create table tminus.login_attempt (
  name text primary key,
  attempted_at timestamptz[] not null,
  locked_until timestamptz
);

create table tminus.identity_event (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  actor text not null,
  data jsonb not null
);

-- Beside the tables that only grow: who that was, as it was known then.
create table tminus.run_starter (
  run_id text primary key references tminus.run (id),
  identity jsonb not null
);
create table tminus.signal_sender (
  signal_id bigint primary key references tminus.signal (id),
  identity jsonb not null
);

-- A new run and an approval into the same environment come one after the other: whoever sees an approval sees every plan that
-- is older than it.
create function tminus.lock_approvals(p_project text, p_environment text) returns void
language sql as $$
  select pg_advisory_xact_lock(hashtextextended(json_build_array('tminus approvals', p_project, p_environment)::text, 0));
$$;

create function tminus.create_run_as(
  p_id text, p_environment text, p_project text, p_plan text, p_plan_hash text, p_context jsonb, p_actor text,
  p_data text, p_identity jsonb
) returns void
language plpgsql as $$
begin
  perform tminus.lock_approvals(p_project, p_environment);
  perform tminus.create_run(p_id, p_environment, p_project, p_plan, p_plan_hash, p_context, p_actor, p_data);
  insert into tminus.run_starter (run_id, identity) values (p_id, p_identity);
end $$;

create function tminus.send_signal_as(p_run text, p_actor text, p_body jsonb, p_data text, p_identity jsonb) returns bigint
language plpgsql as $$
declare
  v_id bigint;
begin
  if p_body ->> 'kind' = 'approve' then
    perform tminus.lock_approvals(project, environment) from tminus.run where id = p_run;
  end if;
  v_id := tminus.send_signal(p_run, p_actor, p_body, p_data);
  insert into tminus.signal_sender (signal_id, identity) values (v_id, p_identity);
  return v_id;
end $$;

-- One change of users and tokens at a time: the first user is one, and the last admin stays. Fails with TM010 unless
-- p_by is a user who is not disabled and is p_owner or an admin.
create function tminus.require_admin_or(p_by text, p_owner text) returns void
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7461646976);
  perform 1 from tminus.user_account
    where name = p_by and disabled_at is null and ('admin' = any (roles) or name = p_owner);
  if not found then
    raise exception using errcode = 'TM010', message = 'only an admin may change that';
  end if;
end $$;

create function tminus.append_identity_event(p_type text, p_actor text, p_data jsonb) returns void
language sql as $$
  insert into tminus.identity_event (type, actor, data) values (p_type, p_actor, p_data);
$$;

-- Without p_by only as long as there is no user; that one is an admin.
create function tminus.add_user(
  p_name text, p_emails text[], p_roles text[], p_password_hash text, p_by text, p_actor text, p_data jsonb
) returns void
language plpgsql as $$
declare
  v_taken text;
begin
  perform pg_advisory_xact_lock(7461646976);
  if exists (select from tminus.user_account) then
    perform tminus.require_admin_or(p_by, null);
  elsif not 'admin' = any (p_roles) then
    raise exception using errcode = 'TM011', message = 'the first user is an admin';
  end if;
  if exists (select from tminus.user_account where name = p_name) then
    raise exception using errcode = 'TM011', message = format('there is a user %s already', p_name);
  end if;
  select user_name into v_taken from tminus.user_email where email = any (p_emails) limit 1;
  if found then
    raise exception using errcode = 'TM011', message = format('the e-mail is that of %s', v_taken);
  end if;
  insert into tminus.user_account (name, roles, password_hash, created_by)
    values (p_name, p_roles, p_password_hash, p_actor);
  insert into tminus.user_email (email, user_name) select email, p_name from unnest(p_emails) email;
  perform tminus.append_identity_event('user.added', p_actor, p_data);
end $$;

-- What is null stays. Users change their own password; an admin changes everything of everybody.
create function tminus.change_user(
  p_name text, p_roles text[], p_disable boolean, p_password_hash text, p_by text, p_actor text, p_data jsonb
) returns void
language plpgsql as $$
begin
  perform tminus.require_admin_or(p_by, case when p_roles is null and not p_disable then p_name end);
  update tminus.user_account set
    roles = coalesce(p_roles, roles),
    password_hash = coalesce(p_password_hash, password_hash),
    disabled_at = case when p_disable then coalesce(disabled_at, clock_timestamp()) else disabled_at end
    where name = p_name;
  if not found then
    raise exception using errcode = 'TM011', message = format('there is no user %s', p_name);
  end if;
  if not exists (select from tminus.user_account where disabled_at is null and 'admin' = any (roles)) then
    raise exception using errcode = 'TM011', message = format('%s is the last admin', p_name);
  end if;
  if p_password_hash is not null then
    delete from tminus.login_attempt where name = p_name;
  end if;
  perform tminus.append_identity_event('user.changed', p_actor, p_data);
end $$;

create function tminus.add_token(
  p_id text, p_sha256 text, p_name text, p_owner text, p_kind text, p_roles text[], p_valid_ms double precision,
  p_by text, p_actor text, p_data jsonb
) returns void
language plpgsql as $$
declare
  v_owner tminus.user_account;
begin
  perform tminus.require_admin_or(p_by, p_owner);
  select * into v_owner from tminus.user_account where name = p_owner and disabled_at is null;
  if not found then
    raise exception using errcode = 'TM011', message = format('there is no user %s who may sign in', p_owner);
  end if;
  if not p_roles <@ v_owner.roles then
    raise exception using errcode = 'TM011',
      message = format('%s has %s; a token has no more', p_owner,
        coalesce(nullif(array_to_string(v_owner.roles, ', '), ''), 'no role'));
  end if;
  insert into tminus.api_token (id, sha256, name, owner, kind, roles, created_by, expires_at)
    values (p_id, p_sha256, p_name, p_owner, p_kind, p_roles, p_by, clock_timestamp() + p_valid_ms * interval '1 ms');
  perform tminus.append_identity_event('token.added', p_actor, p_data);
end $$;

create function tminus.revoke_token(p_id text, p_by text, p_actor text, p_data jsonb) returns void
language plpgsql as $$
declare
  v_owner text;
begin
  select owner into v_owner from tminus.api_token where id = p_id;
  perform tminus.require_admin_or(p_by, v_owner);
  if v_owner is null then
    raise exception using errcode = 'TM011', message = format('there is no token %s', p_id);
  end if;
  update tminus.api_token set revoked_at = clock_timestamp() where id = p_id and revoked_at is null;
  if found then
    perform tminus.append_identity_event('token.revoked', p_actor, p_data);
  end if;
end $$;

create function tminus.note_token_use(p_id text) returns void
language sql as $$
  update tminus.api_token set last_used_at = clock_timestamp() where id = p_id;
$$;

-- Called before a password is looked at, so that attempts at the same time count as well: five within 15 minutes that
-- do not succeed lock the name for 15 minutes. Returns until when, or null when the attempt may be made.
create function tminus.begin_login(p_name text) returns timestamptz
language plpgsql as $$
declare
  v_now timestamptz := clock_timestamp();
  v_row tminus.login_attempt;
begin
  delete from tminus.login_attempt where name in (
    select l.name from tminus.login_attempt l
      where l.name <> p_name and coalesce(l.locked_until, '-infinity') < v_now
        and l.attempted_at[cardinality(l.attempted_at)] < v_now - interval '1 day'
      for update skip locked);
  insert into tminus.login_attempt as l (name, attempted_at) values (p_name, '{}')
    on conflict (name) do update set name = l.name -- which locks the row
    returning * into strict v_row;
  v_now := clock_timestamp();
  if v_row.locked_until > v_now then
    return v_row.locked_until;
  end if;
  update tminus.login_attempt l set
    attempted_at = recent.times || v_now,
    locked_until = case when cardinality(recent.times) >= 4 then v_now + interval '15 minutes' end
    from (select coalesce(array_agg(t order by t), '{}') as times
            from unnest(v_row.attempted_at) t where t > v_now - interval '15 minutes') recent
    where l.name = p_name;
  return null;
end $$;

create function tminus.end_login(p_name text) returns void
language sql as $$
  delete from tminus.login_attempt where name = p_name;
$$;
