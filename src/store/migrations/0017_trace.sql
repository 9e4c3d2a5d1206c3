-- Which runs that have ended were exported as traces. A run without a row was never tried.
create table tminus.trace_export (
  run_id text primary key references tminus.run (id),
  tries integer not null,
  -- Until then no other worker tries: one does now, or the collector is given time.
  next_at timestamptz not null,
  exported_at timestamptz
);
create index run_by_time_of_end on tminus.run (ended_at) where ended_at is not null;

-- Gives a run that has ended since p_since, and is not exported, to one worker for a time. The worker says the time: in
-- tests it is not the database's.
create function tminus.claim_trace(p_now timestamptz, p_since timestamptz, p_for_ms double precision)
  returns setof tminus.trace_export
language sql as $$
  insert into tminus.trace_export as kept (run_id, tries, next_at)
    select r.id, 1, p_now + p_for_ms * interval '1 ms'
      from tminus.run r left join tminus.trace_export e on e.run_id = r.id
      where r.ended_at >= p_since and (e.run_id is null or e.exported_at is null and e.next_at <= p_now)
      order by r.ended_at limit 1
    -- Looked at again: another worker may have been faster.
    on conflict (run_id) do update set tries = kept.tries + 1, next_at = excluded.next_at
      where kept.exported_at is null and kept.next_at <= p_now
    returning kept.*;
$$;

create function tminus.note_trace(p_run text, p_exported timestamptz, p_next timestamptz) returns void
language sql as $$
  update tminus.trace_export set exported_at = p_exported, next_at = coalesce(p_next, next_at)
    where run_id = p_run and exported_at is null;
$$;
