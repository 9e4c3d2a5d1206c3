-- What is still to be done after a deploy. Each stays when it is closed, so that it is known who closed it and with what.
create table tminus.follow_up (
  id bigint generated always as identity primary key,
  project text not null,
  environment text not null,
  run_id text references tminus.run (id),
  text text not null,
  owner text,
  origin text not null,
  evidence text not null default 'none' check (evidence in ('none', 'note', 'attachment')),
  opened_at timestamptz not null default clock_timestamp(),
  due_at timestamptz not null,
  -- Until when the worker that reminds people has to say that they were; another one does it afterwards.
  reminding_until timestamptz,
  reminded_at timestamptz,
  closed_at timestamptz,
  closed_by text,
  note text,
  attachment text references tminus.evidence (sha256),
  check (num_nulls(closed_at, closed_by, note) in (0, 3))
);
create unique index follow_up_opened_once on tminus.follow_up (project, environment, coalesce(run_id, ''), origin);
create index follow_up_open on tminus.follow_up (due_at) where closed_at is null;

-- Opened once per run and origin: another call gives the one that is there.
create function tminus.open_follow_up(
  p_project text, p_environment text, p_run text, p_text text, p_owner text, p_due timestamptz, p_origin text,
  p_evidence text default 'none'
) returns setof tminus.follow_up
language plpgsql as $$
declare
  v_made tminus.follow_up;
begin
  insert into tminus.follow_up (project, environment, run_id, text, owner, due_at, origin, evidence)
    values (p_project, p_environment, p_run, p_text, p_owner, p_due, p_origin, p_evidence)
    on conflict do nothing
    returning * into v_made;
  if found then
    perform tminus.append_audit(p_project, 'follow-up.opened', 't' || v_made.id, 'tminus', json_build_object(
      'environment', p_environment, 'run', p_run, 'text', p_text, 'owner', p_owner, 'due', p_due,
      'origin', p_origin)::text);
  else
    select * into strict v_made from tminus.follow_up
      where project = p_project and environment = p_environment and coalesce(run_id, '') = coalesce(p_run, '')
        and origin = p_origin;
  end if;
  return next v_made;
end $$;

-- False when it was closed already.
create function tminus.close_follow_up(
  p_id bigint, p_actor text, p_identity text, p_note text, p_attachment text
) returns boolean
language plpgsql as $$
declare
  v_closed tminus.follow_up;
begin
  update tminus.follow_up
    set closed_at = clock_timestamp(), closed_by = p_actor, note = p_note, attachment = p_attachment
    where id = p_id and closed_at is null
    returning * into v_closed;
  if not found then
    return false;
  end if;
  perform tminus.append_audit(v_closed.project, 'follow-up.closed', 't' || p_id, p_actor, json_build_object(
    'environment', v_closed.environment, 'note', p_note, 'attachment', p_attachment, 'actor', p_identity::json)::text);
  return true;
end $$;

-- Gives what is overdue, and of which nobody was reminded, to one worker for a time. The worker says the time: in
-- tests it is not the database's.
create function tminus.claim_reminders(p_now timestamptz, p_for_ms double precision) returns setof tminus.follow_up
language sql as $$
  update tminus.follow_up set reminding_until = p_now + p_for_ms * interval '1 ms'
    where id in (
      select id from tminus.follow_up
        where closed_at is null and reminded_at is null and due_at <= p_now
          and (reminding_until is null or reminding_until <= p_now)
        order by due_at, id limit 20 for update skip locked)
    returning *;
$$;

create function tminus.mark_reminded(p_id bigint, p_now timestamptz) returns void
language sql as $$
  update tminus.follow_up set reminded_at = p_now where id = p_id and reminded_at is null;
$$;

create trigger never_removed before delete or truncate on tminus.follow_up
  for each statement execute function tminus.refuse_change();
create trigger follow_up_stays
  before update of id, project, environment, run_id, text, owner, origin, evidence, opened_at, due_at on tminus.follow_up
  for each statement execute function tminus.refuse_change();
create trigger closed_once before update of closed_at, closed_by, note, attachment on tminus.follow_up
  for each row when (old.closed_at is not null) execute function tminus.refuse_change();
alter table tminus.follow_up
  enable always trigger never_removed, enable always trigger follow_up_stays, enable always trigger closed_once;
