-- What has been written down is not changed afterwards, not by the owner of the tables either. The triggers are always
-- enabled: session_replication_role does not turn them off. The owner can, and what comes of that the hash chains tell.
create function tminus.refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception using errcode = 'insufficient_privilege',
    message = format('%s of tminus.%s is refused: what is there is not changed any more', tg_op, tg_table_name);
end $$;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['event', 'evidence', 'signal', 'audit_entry'] loop
    execute format('create trigger append_only before update or delete or truncate on tminus.%I
      for each statement execute function tminus.refuse_change()', v_table);
    execute format('alter table tminus.%I enable always trigger append_only', v_table);
  end loop;
  foreach v_table in array array['run', 'audit_head', 'environment_lock'] loop
    execute format('create trigger never_removed before delete or truncate on tminus.%I
      for each statement execute function tminus.refuse_change()', v_table);
    execute format('alter table tminus.%I enable always trigger never_removed', v_table);
  end loop;
end $$;

-- Of a run: what it is stays, its log only grows, and once it has ended nothing else changes.
create trigger plan_stays before update of id, environment, project, plan, plan_hash, context, created_at, created_by
  on tminus.run for each statement execute function tminus.refuse_change();
create trigger log_grows before update of head_sequence, head_hash on tminus.run
  for each row when (new.head_sequence is distinct from old.head_sequence + 1)
  execute function tminus.refuse_change();
create trigger end_stays before update of state, outcome, verdict, end_state, started_at, zero_at, ended_at on tminus.run
  for each row when (old.ended_at is not null) execute function tminus.refuse_change();
alter table tminus.run
  enable always trigger plan_stays, enable always trigger log_grows, enable always trigger end_stays;

create trigger log_grows before update on tminus.audit_head
  for each row when (new.project is distinct from old.project or new.sequence is distinct from old.sequence + 1)
  execute function tminus.refuse_change();
alter table tminus.audit_head enable always trigger log_grows;

create trigger lock_stays before update of id, project, environment, run_id, release, step_id, reason, had_traffic, locked_at
  on tminus.environment_lock for each statement execute function tminus.refuse_change();
create trigger unlocked_once before update on tminus.environment_lock
  for each row when (old.unlocked_at is not null) execute function tminus.refuse_change();
alter table tminus.environment_lock enable always trigger lock_stays, enable always trigger unlocked_once;

-- Evidence is named by its content. What was there before is left to tminus audit verify.
alter table tminus.evidence add constraint evidence_is_its_hash
  check (sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')) not valid;

-- Lets a role that owns nothing do all of tminus's work and nothing else: it reads, and it writes through the functions
-- above, which from now on run with the rights of their owner. Called by the owner, and again after each migration.
-- The functions named append_… are for the other functions only.
create function tminus.grant_application(p_role name) returns void
language plpgsql as $$
declare
  v_owner oid := (select nspowner from pg_namespace where nspname = 'tminus');
  v_function record;
begin
  if pg_has_role(p_role, v_owner, 'MEMBER') then
    raise exception using errcode = 'invalid_grant_operation',
      message = format('%s may act as the owner of the state, so that granting it less would protect nothing', p_role),
      hint = 'Give a role of its own that is neither a superuser nor a member of the owner.';
  end if;
  for v_function in
    select oid::regprocedure as signature, prorettype <> 'trigger'::regtype and proname !~ '^(append_|grant_)' as is_for_all
      from pg_proc where pronamespace = 'tminus'::regnamespace
  loop
    execute format('revoke all on function %s from public', v_function.signature);
    execute format('revoke all on function %s from %I', v_function.signature, p_role);
    if v_function.is_for_all then
      execute format('alter function %s security definer set search_path = pg_catalog, pg_temp', v_function.signature);
      execute format('grant execute on function %s to %I', v_function.signature, p_role);
    end if;
  end loop;
  execute format('grant usage on schema tminus to %I', p_role);
  execute format('revoke all on all tables in schema tminus from %I', p_role);
  execute format('grant select on all tables in schema tminus to %I', p_role);
  execute format('grant insert on tminus.evidence to %I', p_role);
  execute format('grant update (heartbeat_at) on tminus.environment_lease to %I', p_role);
  execute format('grant insert, delete, update (lock_key) on tminus.worker to %I', p_role);
  -- The durable engine's tables hold no history: they may be emptied after a run has ended.
  if to_regnamespace('dbos') is not null then
    execute format('grant usage on schema dbos to %I', p_role);
    execute format('grant select, insert, update, delete on all tables in schema dbos to %I', p_role);
    execute format('grant usage on all sequences in schema dbos to %I', p_role);
    execute format('grant execute on all functions in schema dbos to %I', p_role);
  end if;
end $$;
revoke all on function tminus.grant_application(name) from public;
