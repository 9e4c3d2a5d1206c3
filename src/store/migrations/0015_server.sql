-- What the server keeps beside the journal: who is signed in, and which requests were answered.

-- A browser that has signed in. Only a hash of its secret is kept. It ends by itself, with the password it was opened by, and
-- with the user.
create table tminus.web_session (
  sha256 text primary key,
  user_name text not null references tminus.user_account (name),
  checked jsonb not null, -- how it was known who that is
  password_sha256 text not null,
  created_at timestamptz not null default clock_timestamp(),
  last_used_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);
create index web_session_by_user on tminus.web_session (user_name);

create function tminus.password_mark(p_user text) returns text
language sql stable as $$
  select encode(sha256(convert_to(coalesce(password_hash, ''), 'UTF8')), 'hex')
    from tminus.user_account where name = p_user and disabled_at is null;
$$;

-- Removes what is over on the way.
create function tminus.begin_web_session(
  p_sha256 text, p_user text, p_checked jsonb, p_valid_ms double precision
) returns timestamptz
language plpgsql as $$
declare
  v_expires timestamptz := clock_timestamp() + p_valid_ms * interval '1 ms';
begin
  delete from tminus.web_session where expires_at < clock_timestamp();
  insert into tminus.web_session (sha256, user_name, checked, password_sha256, expires_at)
    values (p_sha256, p_user, p_checked, tminus.password_mark(p_user), v_expires);
  perform tminus.append_identity_event('session.begun', p_user, p_checked);
  return v_expires;
end $$;

-- Whose it is, when it is good; noted at most once a minute.
create function tminus.use_web_session(p_sha256 text, p_idle_ms double precision) returns setof tminus.web_session
language plpgsql as $$
declare
  v_row tminus.web_session;
begin
  select * into v_row from tminus.web_session where sha256 = p_sha256;
  if not found or v_row.expires_at < clock_timestamp()
    or v_row.last_used_at < clock_timestamp() - p_idle_ms * interval '1 ms'
    or tminus.password_mark(v_row.user_name) is distinct from v_row.password_sha256 then
    return;
  end if;
  update tminus.web_session set last_used_at = clock_timestamp()
    where sha256 = p_sha256 and last_used_at < clock_timestamp() - interval '1 minute';
  return next v_row;
end $$;

create function tminus.end_web_session(p_sha256 text) returns void
language sql as $$
  delete from tminus.web_session where sha256 = p_sha256;
$$;

-- A request that changes something, by the key that its sender gave it. Until it is answered nobody knows whether it took
-- effect; a key is remembered for a day.
create table tminus.api_request (
  sender text not null,
  key text not null,
  fingerprint text not null,
  status integer,
  body text,
  begun_at timestamptz not null default clock_timestamp(),
  primary key (sender, key),
  check (num_nulls(status, body) in (0, 2))
);
create index api_request_by_age on tminus.api_request (begun_at);

-- Nothing when the key is new; otherwise what is known of the request that had it first.
create function tminus.begin_api_request(p_sender text, p_key text, p_fingerprint text) returns setof tminus.api_request
language plpgsql as $$
begin
  delete from tminus.api_request where begun_at < clock_timestamp() - interval '1 day';
  insert into tminus.api_request (sender, key, fingerprint) values (p_sender, p_key, p_fingerprint)
    on conflict do nothing;
  if found then
    return;
  end if;
  return query select * from tminus.api_request where sender = p_sender and key = p_key;
end $$;

create function tminus.answer_api_request(p_sender text, p_key text, p_status integer, p_body text) returns void
language sql as $$
  update tminus.api_request set status = p_status, body = p_body
    where sender = p_sender and key = p_key and status is null;
$$;

-- A request that was refused before it did anything may be sent again with the same key.
create function tminus.forget_api_request(p_sender text, p_key text) returns void
language sql as $$
  delete from tminus.api_request where sender = p_sender and key = p_key and status is null;
$$;

-- For those who follow all runs and come back after a while.
create index event_by_time on tminus.event (at);
