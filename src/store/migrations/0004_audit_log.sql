-- A log beside the runs' own: one chain of a project, which says which runs there are and how far each one's log had
-- come, so that it is found when a whole run is removed or the end of its log is cut off.
create table tminus.audit_entry (
  project text not null,
  sequence bigint not null,
  at timestamptz not null,
  type text not null,
  subject text not null,
  actor text not null,
  data text not null,
  previous text not null,
  hash text not null,
  primary key (project, sequence)
);

create table tminus.audit_head (
  project text primary key,
  sequence bigint not null,
  hash text not null
);

-- Appends one entry to the project's chain. The hash covers the text of a JSON array [previous hash, project, sequence,
-- time, type, subject, actor, data]. Called last in a transaction: the head stays locked until it ends, and who locks
-- it last everywhere never waits in a circle.
create function tminus.append_audit(
  p_project text, p_type text, p_subject text, p_actor text, p_data text
) returns bigint
language plpgsql as $$
declare
  v_head tminus.audit_head;
  v_sequence bigint;
  v_at timestamptz;
  v_hash text;
begin
  insert into tminus.audit_head (project, sequence, hash) values (p_project, 0, '') on conflict do nothing;
  select * into strict v_head from tminus.audit_head where project = p_project for update;
  v_sequence := v_head.sequence + 1;
  v_at := clock_timestamp();
  v_hash := encode(sha256(convert_to(json_build_array(
    v_head.hash, p_project, v_sequence, to_char(v_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    p_type, p_subject, p_actor, p_data
  )::text, 'UTF8')), 'hex');
  insert into tminus.audit_entry (project, sequence, at, type, subject, actor, data, previous, hash)
    values (p_project, v_sequence, v_at, p_type, p_subject, p_actor, p_data, v_head.hash, v_hash);
  update tminus.audit_head set sequence = v_sequence, hash = v_hash where project = p_project;
  return v_sequence;
end $$;

-- The same about a run, with how far the run's own log has come.
create function tminus.append_audit_of_run(
  p_run text, p_type text, p_subject text, p_actor text, p_data jsonb
) returns bigint
language plpgsql as $$
declare
  v_project text;
  v_head jsonb;
begin
  select project, jsonb_build_object('sequence', head_sequence, 'hash', head_hash) into strict v_project, v_head
    from tminus.run where id = p_run;
  return tminus.append_audit(v_project, p_type, p_subject, p_actor,
    (p_data || jsonb_build_object('run', p_run, 'head', v_head))::text);
end $$;

create function tminus.append_audit_of_new_run(p_run text, p_data jsonb) returns bigint
language plpgsql as $$
declare
  v_run tminus.run;
begin
  select * into strict v_run from tminus.run where id = p_run;
  return tminus.append_audit_of_run(p_run, 'run.created', p_run, v_run.created_by, p_data || jsonb_build_object(
    'environment', v_run.environment, 'plan', v_run.plan_hash,
    'createdAt', to_char(v_run.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'context', encode(sha256(convert_to(v_run.context::text, 'UTF8')), 'hex')));
end $$;

create or replace function tminus.create_run(
  p_id text, p_environment text, p_project text, p_plan text, p_plan_hash text, p_context jsonb, p_actor text, p_data text
) returns void
language plpgsql as $$
begin
  insert into tminus.run (id, environment, project, plan, plan_hash, context, created_by)
    values (p_id, p_environment, p_project, p_plan, p_plan_hash, p_context, p_actor);
  perform tminus.append_event(p_id, 'run.created', p_actor, p_data);
  perform tminus.append_audit_of_new_run(p_id, '{}');
  perform pg_notify('tminus_run', p_id);
end $$;

-- Changes the run's row as p_patch says and writes the event, if the fence still holds.
create or replace function tminus.record(p_run text, p_token bigint, p_type text, p_data text, p_patch jsonb) returns void
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
  if p_patch ? 'verdict' then
    perform tminus.append_audit_of_run(p_run, 'run.verdict', p_run, 'tminus',
      jsonb_build_object('decision', p_patch -> 'verdict' ->> 'decision'));
  end if;
end $$;

-- Ends the run, frees the environment and, when p_lock is given, locks it, in one transaction. The last parameter has
-- a default so that workers of an older version, which do not know it, still end their runs.
create or replace function tminus.end_run(
  p_run text, p_token bigint, p_outcome text, p_end_state jsonb, p_data text, p_lock jsonb default null
) returns void
language plpgsql as $$
declare
  v_locked text;
begin
  -- For update at once: raising a shared lock later could deadlock with a waiting heartbeat.
  perform 1 from tminus.environment_lease where run_id = p_run and token = p_token for update;
  perform tminus.check_fence(p_run, p_token);
  perform tminus.append_event(p_run, 'run.ended', 'tminus', p_data);
  update tminus.run
    set state = 'ended', outcome = p_outcome, end_state = p_end_state, waiting_for = null, ended_at = clock_timestamp()
    where id = p_run;
  if p_lock is not null then
    insert into tminus.environment_lock (project, environment, run_id, release, step_id, reason, had_traffic)
      select project, environment, id, p_lock ->> 'release', p_lock ->> 'stepId', p_lock ->> 'reason',
             (p_lock ->> 'hadTraffic')::boolean
        from tminus.run where id = p_run
      on conflict (project, environment) where unlocked_at is null do nothing -- locked is locked: the run must end
      returning environment into v_locked;
  end if;
  update tminus.environment_lease set run_id = null, worker = null where run_id = p_run;
  perform tminus.append_audit_of_run(p_run, 'run.ended', p_run, 'tminus', jsonb_build_object('outcome', p_outcome));
  if v_locked is not null then
    perform tminus.append_audit_of_run(p_run, 'environment.locked', v_locked, 'tminus', p_lock);
  end if;
  perform pg_notify('tminus_run', p_run);
end $$;

create or replace function tminus.end_queued_run(p_run text, p_data text) returns void
language plpgsql as $$
begin
  -- The lease row serialises this with take_lease.
  perform 1 from tminus.environment_lease l join tminus.run r using (project, environment)
    where r.id = p_run for update of l;
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
  perform tminus.append_audit_of_run(p_run, 'run.ended', p_run, 'tminus', '{"outcome": "stopped"}');
  perform pg_notify('tminus_run', p_run);
end $$;

-- Unlocks, and writes that into the log of the run that the lock is about. False when it was unlocked already.
create or replace function tminus.unlock_environment(p_lock bigint, p_actor text, p_reason text, p_data text) returns boolean
language plpgsql as $$
declare
  v_lock tminus.environment_lock;
begin
  update tminus.environment_lock
    set unlocked_at = clock_timestamp(), unlocked_by = p_actor, unlock_reason = p_reason
    where id = p_lock and unlocked_at is null
    returning * into v_lock;
  if not found then
    return false;
  end if;
  perform tminus.append_event(v_lock.run_id, 'run.unlocked', p_actor, p_data);
  perform tminus.append_audit_of_run(v_lock.run_id, 'environment.unlocked', v_lock.environment, p_actor,
    jsonb_build_object('reason', p_reason));
  return true;
end $$;

-- Says that the head of the log could not be written down outside, in the log of the run and in the project's.
create function tminus.record_unanchored(p_run text, p_data text) returns void
language plpgsql as $$
begin
  perform tminus.append_event(p_run, 'run.unanchored', 'tminus', p_data);
  perform tminus.append_audit_of_run(p_run, 'anchor.failed', p_run, 'tminus', p_data::jsonb);
end $$;

-- The runs that were there before the log was: from now on they are watched, what happened before is taken on trust.
do $$
declare
  v_project text;
  v_run tminus.run;
begin
  for v_project in select distinct project from tminus.run order by project loop
    perform tminus.append_audit(v_project, 'log.began', v_project, 'tminus', json_build_object(
      'runs', (select count(*) from tminus.run where project = v_project),
      'note', 'entries of runs that were there already say where each stood when this log began')::text);
    for v_run in select * from tminus.run where project = v_project order by created_at, id loop
      perform tminus.append_audit_of_new_run(v_run.id, '{"before": true}');
      if v_run.ended_at is not null then
        perform tminus.append_audit_of_run(v_run.id, 'run.ended', v_run.id, 'tminus',
          jsonb_build_object('outcome', v_run.outcome, 'before', true));
      end if;
    end loop;
  end loop;
end $$;
