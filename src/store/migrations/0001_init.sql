-- The journal. A run is a log of events; the other tables are what the next decision needs.
-- Every function below does one state change and writes its event in the same transaction.

create table tminus.run (
  id text primary key,
  environment text not null,
  project text not null,
  plan text not null,
  plan_hash text not null,
  context jsonb not null,
  state text not null default 'queued',
  outcome text,
  verdict jsonb,
  end_state jsonb,
  waiting_for jsonb,
  created_at timestamptz not null default clock_timestamp(),
  created_by text not null,
  started_at timestamptz,
  zero_at timestamptz,
  ended_at timestamptz,
  head_sequence integer not null default 0,
  head_hash text not null default ''
);
create index run_by_environment on tminus.run (environment, created_at desc);
create index run_active on tminus.run (created_at) where ended_at is null;

create table tminus.event (
  run_id text not null references tminus.run (id),
  sequence integer not null,
  at timestamptz not null,
  type text not null,
  actor text not null,
  data text not null,
  hash text not null,
  primary key (run_id, sequence)
);

create table tminus.attempt (
  run_id text not null references tminus.run (id),
  step_id text not null,
  phase text not null,
  number integer not null,
  token bigint not null,
  state text not null default 'begun',
  acted boolean not null default false,
  reason text,
  result jsonb,
  error jsonb,
  begun_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  primary key (run_id, step_id, phase, number)
);

create table tminus.step_state (
  run_id text not null references tminus.run (id),
  step_id text not null,
  state jsonb not null,
  primary key (run_id, step_id)
);

create table tminus.environment_lease (
  environment text primary key,
  run_id text references tminus.run (id),
  token bigint not null default 0,
  worker text,
  acquired_at timestamptz,
  heartbeat_at timestamptz
);

create table tminus.signal (
  id bigint generated always as identity primary key,
  run_id text not null references tminus.run (id),
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  body jsonb not null
);
create index signal_by_run on tminus.signal (run_id, id);

create table tminus.evidence (
  sha256 text primary key,
  content text not null,
  created_at timestamptz not null default clock_timestamp()
);

create table tminus.worker (
  id text primary key,
  lock_key bigint not null unique,
  host text not null,
  pid integer not null,
  started_at timestamptz not null default clock_timestamp()
);

-- Appends one event to the run's hash chain. The hash covers the text of a JSON array
-- [previous hash, sequence, time, type, actor, data], so that a reader can recompute it from an export.
create function tminus.append_event(p_run text, p_type text, p_actor text, p_data text) returns integer
language plpgsql as $$
declare
  v_sequence integer;
  v_at timestamptz := clock_timestamp();
  v_hash text;
begin
  -- One statement reads and moves the head: a concurrent writer waits for the row and then sees the new head.
  update tminus.run set
    head_sequence = head_sequence + 1,
    head_hash = encode(sha256(convert_to(json_build_array(
      head_hash, head_sequence + 1, to_char(v_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), p_type, p_actor, p_data
    )::text, 'UTF8')), 'hex')
    where id = p_run
    returning head_sequence, head_hash into strict v_sequence, v_hash;
  insert into tminus.event (run_id, sequence, at, type, actor, data, hash)
    values (p_run, v_sequence, v_at, p_type, p_actor, p_data, v_hash);
  perform pg_notify('tminus_event', p_run);
  return v_sequence;
end $$;

create function tminus.create_run(
  p_id text, p_environment text, p_project text, p_plan text, p_plan_hash text, p_context jsonb, p_actor text, p_data text
) returns void
language plpgsql as $$
begin
  insert into tminus.run (id, environment, project, plan, plan_hash, context, created_by)
    values (p_id, p_environment, p_project, p_plan, p_plan_hash, p_context, p_actor);
  perform tminus.append_event(p_id, 'run.created', p_actor, p_data);
  perform pg_notify('tminus_run', p_id);
end $$;

-- Fails with TM001 unless this execution still holds the environment. The row lock makes a takeover wait
-- until the caller's transaction has ended.
create function tminus.check_fence(p_run text, p_token bigint) returns void
language plpgsql as $$
begin
  perform 1 from tminus.environment_lease where run_id = p_run and token = p_token for share;
  if not found then
    raise exception using errcode = 'TM001', message = 'the environment is held by a newer execution';
  end if;
end $$;

-- Gives the environment to this execution, with a new token, when it is free or already this run's.
-- Runs wait in the order in which they were created. Returns who is in the way otherwise.
create function tminus.take_lease(p_run text, p_worker text) returns table (token bigint, holder text)
language plpgsql as $$
declare
  v_run tminus.run;
  v_lease tminus.environment_lease;
  v_first text;
begin
  select * into strict v_run from tminus.run where id = p_run;
  insert into tminus.environment_lease (environment) values (v_run.environment) on conflict do nothing;
  select * into strict v_lease from tminus.environment_lease l where l.environment = v_run.environment for update;
  -- Read again under the lock: another execution may have ended the run meanwhile.
  select * into strict v_run from tminus.run where id = p_run;
  if v_run.ended_at is not null then
    raise exception using errcode = 'TM002', message = 'the run has ended';
  end if;
  if v_lease.run_id is not null and v_lease.run_id <> p_run then
    return query select null::bigint, v_lease.run_id;
    return;
  end if;
  if v_lease.run_id is null then
    select r.id into v_first from tminus.run r
      where r.environment = v_run.environment and r.ended_at is null order by r.created_at, r.id limit 1;
    if v_first is distinct from p_run then
      return query select null::bigint, v_first;
      return;
    end if;
  end if;
  update tminus.environment_lease l
    set run_id = p_run, token = l.token + 1, worker = p_worker,
        acquired_at = case when l.run_id = p_run then l.acquired_at else clock_timestamp() end,
        heartbeat_at = clock_timestamp()
    where l.environment = v_run.environment;
  perform tminus.append_event(p_run, 'run.taken', 'tminus',
    json_build_object('token', v_lease.token + 1, 'worker', p_worker)::text);
  -- What the execution before this one waited for, it waits for no longer; this one says so again if it does.
  update tminus.run set waiting_for = null, state = case when verdict is null then 'running' else 'rolling-back' end
    where id = p_run and state in ('waiting', 'held');
  return query select v_lease.token + 1, null::text;
end $$;

-- Changes the run's row as p_patch says and writes the event, if the fence still holds.
create function tminus.record(p_run text, p_token bigint, p_type text, p_data text, p_patch jsonb) returns void
language plpgsql as $$
begin
  perform tminus.check_fence(p_run, p_token);
  perform tminus.append_event(p_run, p_type, 'tminus', p_data);
  if p_patch <> '{}'::jsonb then
    update tminus.run set
      state = coalesce(p_patch ->> 'state', state),
      verdict = coalesce(p_patch -> 'verdict', verdict),
      waiting_for = case when p_patch ? 'waitingFor' then nullif(p_patch -> 'waitingFor', 'null'::jsonb) else waiting_for end,
      started_at = case when p_patch ? 'started' then coalesce(started_at, clock_timestamp()) else started_at end,
      zero_at = case when p_patch ? 'zero' then coalesce(zero_at, clock_timestamp()) else zero_at end
      where id = p_run;
  end if;
end $$;

create function tminus.begin_attempt(p_run text, p_token bigint, p_step text, p_phase text, p_type text, p_data text)
returns integer
language plpgsql as $$
declare
  v_number integer;
begin
  if p_phase = 'act' then
    -- This commit need not wait for the disk: mark_acted does before the effect, which puts everything before
    -- it there too, and refuses when the server has lost this attempt meanwhile. An undo has no such mark.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  perform tminus.check_fence(p_run, p_token);
  insert into tminus.attempt (run_id, step_id, phase, number, token)
    select p_run, p_step, p_phase, coalesce(max(number), 0) + 1, p_token
      from tminus.attempt where run_id = p_run and step_id = p_step and phase = p_phase
    returning number into v_number;
  perform tminus.append_event(p_run, p_type, 'tminus', p_data);
  return v_number;
end $$;

-- Says, fenced, that the effect is about to be brought about. An attempt without this mark changed nothing.
create function tminus.mark_acted(p_run text, p_token bigint, p_step text, p_phase text, p_number integer) returns void
language plpgsql as $$
begin
  perform tminus.check_fence(p_run, p_token);
  update tminus.attempt set acted = true
    where run_id = p_run and step_id = p_step and phase = p_phase and number = p_number;
  if not found then
    raise exception using errcode = 'TM003', message = 'the attempt is not in the journal: the server lost it in a crash';
  end if;
end $$;

create function tminus.end_attempt(
  p_run text, p_token bigint, p_step text, p_phase text, p_number integer,
  p_state text, p_reason text, p_result jsonb, p_error jsonb, p_type text, p_data text
) returns void
language plpgsql as $$
begin
  perform tminus.check_fence(p_run, p_token);
  update tminus.attempt
    set state = p_state, reason = p_reason, result = p_result, error = p_error, ended_at = clock_timestamp()
    where run_id = p_run and step_id = p_step and phase = p_phase and number = p_number;
  if not found then
    raise exception using errcode = 'TM003', message = 'the attempt is not in the journal: the server lost it in a crash';
  end if;
  perform tminus.append_event(p_run, p_type, 'tminus', p_data);
end $$;

-- Ends the run and frees the environment, in one transaction.
create function tminus.end_run(p_run text, p_token bigint, p_outcome text, p_end_state jsonb, p_data text) returns void
language plpgsql as $$
begin
  -- For update at once: raising a shared lock later could deadlock with a waiting heartbeat.
  perform 1 from tminus.environment_lease where run_id = p_run and token = p_token for update;
  perform tminus.check_fence(p_run, p_token);
  perform tminus.append_event(p_run, 'run.ended', 'tminus', p_data);
  update tminus.run
    set state = 'ended', outcome = p_outcome, end_state = p_end_state, waiting_for = null, ended_at = clock_timestamp()
    where id = p_run;
  update tminus.environment_lease set run_id = null, worker = null where run_id = p_run;
  perform pg_notify('tminus_run', p_run);
end $$;

-- Appends a signal and its event; fails with TM002 when the run has ended.
create function tminus.send_signal(p_run text, p_actor text, p_body jsonb, p_data text) returns bigint
language plpgsql as $$
declare
  v_id bigint;
  v_ended timestamptz;
begin
  select ended_at into strict v_ended from tminus.run where id = p_run for update;
  if v_ended is not null then
    raise exception using errcode = 'TM002', message = 'the run has ended';
  end if;
  insert into tminus.signal (run_id, actor, body) values (p_run, p_actor, p_body) returning id into v_id;
  perform tminus.append_event(p_run, 'signal.received', p_actor, p_data);
  perform pg_notify('tminus_signal', p_run);
  return v_id;
end $$;

create function tminus.save_step_state(p_run text, p_token bigint, p_step text, p_state jsonb) returns void
language plpgsql as $$
begin
  perform tminus.check_fence(p_run, p_token);
  insert into tminus.step_state (run_id, step_id, state) values (p_run, p_step, p_state)
    on conflict (run_id, step_id) do update set state = excluded.state;
end $$;

create function tminus.end_queued_run(p_run text, p_data text) returns void
language plpgsql as $$
begin
  -- The lease row serialises this with take_lease.
  perform 1 from tminus.environment_lease l join tminus.run r using (environment) where r.id = p_run for update of l;
  perform 1 from tminus.environment_lease where run_id = p_run;
  if found then
    return;
  end if;
  perform 1 from tminus.run where id = p_run and ended_at is not null;
  if found then
    return;
  end if;
  perform tminus.append_event(p_run, 'run.ended', 'tminus', p_data);
  update tminus.run set state = 'ended', outcome = 'stopped', waiting_for = null, ended_at = clock_timestamp()
    where id = p_run;
  perform pg_notify('tminus_run', p_run);
end $$;
