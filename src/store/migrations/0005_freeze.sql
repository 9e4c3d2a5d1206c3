-- Declared by people while tminus runs; those of the runbook stand in it. Lifted ones stay.
create table tminus.freeze (
  id bigint generated always as identity primary key,
  project text not null,
  environment text,
  reason text not null,
  declared_by text not null,
  declared_at timestamptz not null default clock_timestamp(),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  lifted_at timestamptz,
  lifted_by text,
  lift_reason text,
  check (ends_at > starts_at and ends_at <= starts_at + interval '30 days'),
  check (num_nulls(lifted_at, lifted_by, lift_reason) in (0, 3))
);
create index freeze_open on tminus.freeze (project, ends_at) where lifted_at is null;

create function tminus.declare_freeze(
  p_project text, p_environment text, p_reason text, p_actor text, p_from timestamptz, p_until timestamptz
) returns bigint
language plpgsql as $$
declare
  v_id bigint;
begin
  insert into tminus.freeze (project, environment, reason, declared_by, starts_at, ends_at)
    values (p_project, p_environment, p_reason, p_actor, p_from, p_until)
    returning id into v_id;
  perform pg_notify('tminus_run', '');
  return v_id;
end $$;

-- False when it was lifted already.
create function tminus.lift_freeze(p_id bigint, p_actor text, p_reason text) returns boolean
language plpgsql as $$
begin
  update tminus.freeze
    set lifted_at = clock_timestamp(), lifted_by = p_actor, lift_reason = p_reason
    where id = p_id and lifted_at is null;
  if not found then
    return false;
  end if;
  perform pg_notify('tminus_run', '');
  return true;
end $$;

-- A run that waits without the environment tells what for.
create function tminus.queue_run(p_run text, p_data text, p_waiting jsonb) returns void
language plpgsql as $$
begin
  perform tminus.append_event(p_run, 'run.queued', 'tminus', p_data);
  update tminus.run set waiting_for = p_waiting where id = p_run and state = 'queued';
end $$;

-- As before, but a run that goes back to an earlier release does not wait behind deploys that have not begun.
create or replace function tminus.take_lease(p_run text, p_worker text) returns table (token bigint, holder text)
language plpgsql as $$
declare
  v_run tminus.run;
  v_lease tminus.environment_lease;
  v_first text;
  v_is_rollback boolean;
begin
  select * into strict v_run from tminus.run where id = p_run;
  insert into tminus.environment_lease (project, environment) values (v_run.project, v_run.environment) on conflict do nothing;
  select * into strict v_lease from tminus.environment_lease l
    where l.project = v_run.project and l.environment = v_run.environment for update;
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
    v_is_rollback := v_run.plan::json ->> 'purpose' = 'rollback';
    select r.id into v_first from tminus.run r
      where r.project = v_run.project and r.environment = v_run.environment and r.ended_at is null
        and not (v_is_rollback and r.started_at is null and r.plan::json ->> 'purpose' = 'deploy')
      order by r.created_at, r.id limit 1;
    if v_first is distinct from p_run then
      return query select null::bigint, v_first;
      return;
    end if;
  end if;
  update tminus.environment_lease l
    set run_id = p_run, token = l.token + 1, worker = p_worker,
        acquired_at = case when l.run_id = p_run then l.acquired_at else clock_timestamp() end,
        heartbeat_at = clock_timestamp()
    where l.project = v_run.project and l.environment = v_run.environment;
  perform tminus.append_event(p_run, 'run.taken', 'tminus',
    json_build_object('token', v_lease.token + 1, 'worker', p_worker)::text);
  -- What the execution before this one waited for, it waits for no longer; this one says so again if it does.
  update tminus.run set waiting_for = null,
      state = case when state = 'queued' then state when verdict is null then 'running' else 'rolling-back' end
    where id = p_run and state in ('queued', 'waiting', 'held');
  return query select v_lease.token + 1, null::text;
end $$;
