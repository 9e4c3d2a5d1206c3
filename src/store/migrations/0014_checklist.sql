-- Evidence may also be a file that somebody handed in: then its bytes are kept in place of a text.
alter table tminus.evidence
  alter column content drop not null,
  add column bytes bytea,
  add column media_type text not null default 'text/plain',
  add constraint evidence_has_content check (num_nonnulls(content, bytes) = 1),
  drop constraint evidence_is_its_hash;
alter table tminus.evidence add constraint evidence_is_its_hash
  check (sha256 = encode(sha256(coalesce(bytes, convert_to(content, 'UTF8'))), 'hex')) not valid;

-- As before; what is left to people is opened in the same transaction, so that no run ends without it.
drop function tminus.end_run(text, bigint, text, jsonb, text, jsonb);
create function tminus.end_run(
  p_run text, p_token bigint, p_outcome text, p_end_state jsonb, p_data text, p_lock jsonb default null,
  p_tasks jsonb default '[]'
) returns void
language plpgsql as $$
declare
  v_locked text;
  v_run tminus.run;
  v_task jsonb;
begin
  -- For update at once: raising a shared lock later could deadlock with a waiting heartbeat.
  perform 1 from tminus.environment_lease where run_id = p_run and token = p_token for update;
  perform tminus.check_fence(p_run, p_token);
  perform tminus.append_event(p_run, 'run.ended', 'tminus', p_data);
  update tminus.run
    set state = 'ended', outcome = p_outcome, end_state = p_end_state, waiting_for = null, ended_at = clock_timestamp()
    where id = p_run
    returning * into v_run;
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
  for v_task in select * from jsonb_array_elements(p_tasks) loop
    perform tminus.open_follow_up(v_run.project, v_run.environment, p_run, v_task ->> 'text', v_task ->> 'owner',
      (v_task ->> 'dueAt')::timestamptz, v_task ->> 'origin', v_task ->> 'evidence');
  end loop;
  perform pg_notify('tminus_run', p_run);
end $$;

-- As before, and again when people were told p_every_ms ago or longer; once only without it.
drop function tminus.claim_reminders(timestamptz, double precision);
create function tminus.claim_reminders(
  p_now timestamptz, p_for_ms double precision, p_every_ms double precision default null
) returns setof tminus.follow_up
language sql as $$
  update tminus.follow_up set reminding_until = p_now + p_for_ms * interval '1 ms'
    where id in (
      select id from tminus.follow_up
        where closed_at is null and due_at <= p_now
          and (reminded_at is null or reminded_at <= p_now - p_every_ms * interval '1 ms')
          and (reminding_until is null or reminding_until <= p_now)
        order by due_at, id limit 20 for update skip locked)
    returning *;
$$;

create or replace function tminus.mark_reminded(p_id bigint, p_now timestamptz) returns void
language sql as $$
  update tminus.follow_up set reminded_at = p_now, reminding_until = null
    where id = p_id and (reminded_at is null or reminded_at < p_now);
$$;

-- As before, with how it is known who let the gate pass; null: nobody has checked the name.
alter table tminus.override add column identity jsonb;
drop trigger override_stays on tminus.override;
create trigger override_stays before update of id, project, environment, gate, by, reason, at, until, identity
  on tminus.override for each statement execute function tminus.refuse_change();
alter table tminus.override enable always trigger override_stays;

drop function tminus.add_override(text, text, text, text, text, double precision);
create function tminus.add_override(
  p_project text, p_environment text, p_gate text, p_by text, p_reason text, p_for_ms double precision,
  p_identity jsonb default null, p_actor jsonb default null
) returns setof tminus.override
language plpgsql as $$
declare
  v_made tminus.override;
  v_now timestamptz := clock_timestamp();
begin
  insert into tminus.override (project, environment, gate, by, reason, at, until, identity)
    values (p_project, p_environment, p_gate, p_by, p_reason, v_now, v_now + p_for_ms * interval '1 ms', p_identity)
    returning * into v_made;
  perform tminus.append_audit(p_project, 'gate.overridden', p_gate, p_by, json_build_object(
    'environment', p_environment, 'reason', p_reason, 'id', v_made.id, 'until', v_made.until, 'actor', p_actor)::text);
  return next v_made;
end $$;

drop function tminus.end_overrides(text, text, text, text);
create function tminus.end_overrides(
  p_project text, p_environment text, p_gate text, p_by text, p_actor jsonb default null
) returns integer
language plpgsql as $$
declare
  v_id bigint;
  v_count integer := 0;
begin
  for v_id in
    update tminus.override set ended_at = clock_timestamp(), ended_by = p_by
      where project = p_project and environment = p_environment and gate = p_gate
        and ended_at is null and until > clock_timestamp()
      returning id
  loop
    perform tminus.append_audit(p_project, 'override.ended', p_gate, p_by,
      json_build_object('environment', p_environment, 'id', v_id, 'actor', p_actor)::text);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;
