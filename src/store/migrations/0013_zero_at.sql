-- As before; T-0 may also be a time that was named, in the future.
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
      zero_at = case
        when p_patch ? 'zeroAt' then coalesce(zero_at, (p_patch ->> 'zeroAt')::timestamptz)
        when p_patch ? 'zero' then coalesce(zero_at, clock_timestamp())
        else zero_at end
      where id = p_run;
  end if;
  if p_patch ? 'verdict' then
    perform tminus.append_audit_of_run(p_run, 'run.verdict', p_run, 'tminus',
      jsonb_build_object('decision', p_patch -> 'verdict' ->> 'decision'));
  end if;
end $$;
