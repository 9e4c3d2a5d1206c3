-- Each stays when it is over, so that it is known who let an environment be deployed to, when and why.
create table tminus.emergency (
  id bigint generated always as identity primary key,
  project text not null,
  environment text not null,
  reason text not null,
  by text not null,
  at timestamptz not null,
  until timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  check (until > at and until <= at + interval '8 hours'),
  check (num_nulls(ended_at, ended_by) in (0, 2))
);
create index emergency_by_environment on tminus.emergency (project, environment, until);

create function tminus.declare_emergency(
  p_project text, p_environment text, p_reason text, p_for_ms double precision, p_actor text, p_identity text
) returns setof tminus.emergency
language plpgsql as $$
declare
  v_made tminus.emergency;
  v_now timestamptz := clock_timestamp();
begin
  insert into tminus.emergency (project, environment, reason, by, at, until)
    values (p_project, p_environment, p_reason, p_actor, v_now, v_now + p_for_ms * interval '1 ms')
    returning * into v_made;
  perform tminus.append_audit(p_project, 'emergency.declared', 'e' || v_made.id, p_actor, json_build_object(
    'environment', p_environment, 'reason', p_reason, 'until', v_made.until, 'actor', p_identity::json)::text);
  return next v_made;
end $$;

-- How many were ended: those of the environment that still held.
create function tminus.end_emergencies(p_project text, p_environment text, p_actor text, p_identity text)
returns integer
language plpgsql as $$
declare
  v_id bigint;
  v_count integer := 0;
begin
  for v_id in
    update tminus.emergency set ended_at = clock_timestamp(), ended_by = p_actor
      where project = p_project and environment = p_environment and ended_at is null and until > clock_timestamp()
      returning id
  loop
    perform tminus.append_audit(p_project, 'emergency.ended', 'e' || v_id, p_actor,
      json_build_object('environment', p_environment, 'actor', p_identity::json)::text);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

create trigger never_removed before delete or truncate on tminus.emergency
  for each statement execute function tminus.refuse_change();
create trigger emergency_stays before update of id, project, environment, reason, by, at, until on tminus.emergency
  for each statement execute function tminus.refuse_change();
create trigger ended_once before update on tminus.emergency
  for each row when (old.ended_at is not null) execute function tminus.refuse_change();
alter table tminus.emergency
  enable always trigger never_removed, enable always trigger emergency_stays, enable always trigger ended_once;

-- Going back, and a deploy in an emergency, do not wait behind deploys that have not begun.
create function tminus.is_urgent(p_plan text) returns boolean
language sql immutable as $$
  select p_plan::json ->> 'purpose' = 'rollback' or (p_plan::json -> 'emergency') is not null;
$$;

create or replace function tminus.take_lease(p_run text, p_worker text) returns table (token bigint, holder text)
language plpgsql as $$
declare
  v_run tminus.run;
  v_lease tminus.environment_lease;
  v_first text;
  v_is_urgent boolean;
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
    v_is_urgent := tminus.is_urgent(v_run.plan);
    select r.id into v_first from tminus.run r
      where r.project = v_run.project and r.environment = v_run.environment and r.ended_at is null
        and not (v_is_urgent and r.started_at is null and not tminus.is_urgent(r.plan))
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
