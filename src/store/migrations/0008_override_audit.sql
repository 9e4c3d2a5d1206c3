-- Overrides are in the project's log, and stay as they were made: they end once.
create function tminus.add_override(
  p_project text, p_environment text, p_gate text, p_by text, p_reason text, p_for_ms double precision
) returns setof tminus.override
language plpgsql as $$
declare
  v_made tminus.override;
  v_now timestamptz := clock_timestamp();
begin
  insert into tminus.override (project, environment, gate, by, reason, at, until)
    values (p_project, p_environment, p_gate, p_by, p_reason, v_now, v_now + p_for_ms * interval '1 ms')
    returning * into v_made;
  perform tminus.append_audit(p_project, 'gate.overridden', p_gate, p_by, json_build_object(
    'environment', p_environment, 'reason', p_reason, 'id', v_made.id, 'until', v_made.until)::text);
  return next v_made;
end $$;

-- How many were ended: those of the gate that still held.
create function tminus.end_overrides(p_project text, p_environment text, p_gate text, p_by text) returns integer
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
      json_build_object('environment', p_environment, 'id', v_id)::text);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

create trigger never_removed before delete or truncate on tminus.override
  for each statement execute function tminus.refuse_change();
create trigger override_stays before update of id, project, environment, gate, by, reason, at, until on tminus.override
  for each statement execute function tminus.refuse_change();
create trigger ended_once before update on tminus.override
  for each row when (old.ended_at is not null) execute function tminus.refuse_change();
alter table tminus.override
  enable always trigger never_removed, enable always trigger override_stays, enable always trigger ended_once;
