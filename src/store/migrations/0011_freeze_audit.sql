-- As before, and in the project's log.
create or replace function tminus.declare_freeze(
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
  perform tminus.append_audit(p_project, 'freeze.declared', 'f' || v_id, p_actor, json_build_object(
    'environment', p_environment, 'reason', p_reason, 'from', p_from, 'until', p_until)::text);
  return v_id;
end $$;

create or replace function tminus.lift_freeze(p_id bigint, p_actor text, p_reason text) returns boolean
language plpgsql as $$
declare
  v_project text;
begin
  update tminus.freeze
    set lifted_at = clock_timestamp(), lifted_by = p_actor, lift_reason = p_reason
    where id = p_id and lifted_at is null
    returning project into v_project;
  if not found then
    return false;
  end if;
  perform pg_notify('tminus_run', '');
  perform tminus.append_audit(v_project, 'freeze.lifted', 'f' || p_id, p_actor,
    json_build_object('reason', p_reason)::text);
  return true;
end $$;

create trigger never_removed before delete or truncate on tminus.freeze
  for each statement execute function tminus.refuse_change();
create trigger freeze_stays before update of id, project, environment, reason, declared_by, declared_at, starts_at, ends_at
  on tminus.freeze for each statement execute function tminus.refuse_change();
create trigger lifted_once before update on tminus.freeze
  for each row when (old.lifted_at is not null) execute function tminus.refuse_change();
alter table tminus.freeze
  enable always trigger never_removed, enable always trigger freeze_stays, enable always trigger lifted_once;
