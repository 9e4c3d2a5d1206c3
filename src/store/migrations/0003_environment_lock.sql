-- Set when a run was rolled back by itself; at most one of an environment is open. Those that were unlocked stay, so
-- that it is known which releases were rolled back before.
create table tminus.environment_lock (
  id bigint generated always as identity primary key,
  project text not null,
  environment text not null,
  run_id text not null references tminus.run (id),
  release text not null,
  step_id text,
  reason text not null,
  had_traffic boolean not null,
  locked_at timestamptz not null default clock_timestamp(),
  unlocked_at timestamptz,
  unlocked_by text,
  unlock_reason text,
  check (num_nulls(unlocked_at, unlocked_by, unlock_reason) in (0, 3))
);
create unique index environment_lock_open on tminus.environment_lock (project, environment) where unlocked_at is null;
create index environment_lock_by_release on tminus.environment_lock (project, environment, release);

-- Ends the run, frees the environment and, when p_lock is given, locks it, in one transaction. The last parameter has
-- a default so that workers of an older version, which do not know it, still end their runs.
drop function tminus.end_run(text, bigint, text, jsonb, text);
create function tminus.end_run(
  p_run text, p_token bigint, p_outcome text, p_end_state jsonb, p_data text, p_lock jsonb default null
) returns void
language plpgsql as $$
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
      on conflict (project, environment) where unlocked_at is null do nothing; -- locked is locked: the run must end
  end if;
  update tminus.environment_lease set run_id = null, worker = null where run_id = p_run;
  perform pg_notify('tminus_run', p_run);
end $$;

-- Unlocks, and writes that into the log of the run that the lock is about. False when it was unlocked already.
create function tminus.unlock_environment(p_lock bigint, p_actor text, p_reason text, p_data text) returns boolean
language plpgsql as $$
declare
  v_run text;
begin
  update tminus.environment_lock
    set unlocked_at = clock_timestamp(), unlocked_by = p_actor, unlock_reason = p_reason
    where id = p_lock and unlocked_at is null
    returning run_id into v_run;
  if not found then
    return false;
  end if;
  perform tminus.append_event(v_run, 'run.unlocked', p_actor, p_data);
  return true;
end $$;
