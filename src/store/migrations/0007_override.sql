-- Each stays when it is over, so that it is known who let which gate pass, when and why.
create table tminus.override (
  id bigint generated always as identity primary key,
  project text not null,
  environment text not null,
  gate text not null,
  by text not null,
  reason text not null,
  at timestamptz not null default clock_timestamp(),
  until timestamptz not null,
  ended_at timestamptz,
  ended_by text,
  check (until > at and until <= at + interval '8 hours'),
  check (num_nulls(ended_at, ended_by) in (0, 2))
);
create index override_by_gate on tminus.override (project, environment, gate, until);
