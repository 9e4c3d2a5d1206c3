-- Several projects may keep their state on one server, and each has a production of its own.
alter table tminus.environment_lease add column project text;
update tminus.environment_lease l set project = coalesce(
  (select r.project from tminus.run r where r.id = l.run_id),
  (select r.project from tminus.run r where r.environment = l.environment order by r.created_at desc limit 1),
  '');
alter table tminus.environment_lease
  alter column project set not null,
  drop constraint environment_lease_pkey,
  add primary key (project, environment);

drop index tminus.run_by_environment;
create index run_by_environment on tminus.run (project, environment, created_at desc);

-- Gives the environment to this execution, with a new token, when it is free or already this run's.
-- Runs wait in the order in which they were created. Returns who is in the way otherwise.
create or replace function tminus.take_lease(p_run text, p_worker text) returns table (token bigint, holder text)
language plpgsql as $$
declare
  v_run tminus.run;
  v_lease tminus.environment_lease;
  v_first text;
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
    select r.id into v_first from tminus.run r
      where r.project = v_run.project and r.environment = v_run.environment and r.ended_at is null
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
  update tminus.run set waiting_for = null, state = case when verdict is null then 'running' else 'rolling-back' end
    where id = p_run and state in ('waiting', 'held');
  return query select v_lease.token + 1, null::text;
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
  perform pg_notify('tminus_run', p_run);
end $$;
