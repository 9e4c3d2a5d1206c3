-- Lists of runs and searching them: what they show and look for stands beside the plan, so that no plan is read for it.

-- What a text can be found by: from the beginning of each of its words on, in lower case. 'shop/v2.4' is found by shop,
-- shop/v2, v2.4 and 4.
create function tminus.word_beginnings(p_text text) returns text[]
language sql immutable as $$
  select coalesce(array_agg(distinct lower(substr(v.text, i, 200))), '{}')
    from (select left(p_text, 500) as text) v, generate_series(1, length(v.text)) i
    where i = 1 or substr(v.text, i - 1, 2) ~ '^[^[:alnum:]][[:alnum:]]';
$$;

-- Each word at one place, with a mark: words without a place would be found by every mark.
create function tminus.marked_words(p_words text[], p_mark text) returns tsvector
language sql immutable as $$
  select coalesce(string_agg(format('''%s'':1%s', replace(replace(word, '\', '\\'), '''', ''''''), p_mark), ' '), '')::tsvector
    from unnest(p_words) word where word <> '';
$$;

-- What is of the reason is marked as B; there every sign parts two words.
create function tminus.run_words(
  p_id text, p_environment text, p_release text, p_purpose text, p_created_by text, p_outcome text, p_verdict jsonb
) returns tsvector
language sql immutable as $$
  select tminus.marked_words(
    array[lower(p_id), p_purpose]
      || tminus.word_beginnings(p_environment) || tminus.word_beginnings(p_release)
      || tminus.word_beginnings(p_created_by) || tminus.word_beginnings(p_outcome), '')
    || tminus.marked_words(
      array(select left(word, 200)
              from regexp_split_to_table(lower(left(p_verdict ->> 'reason', 1000)), '[^[:alnum:]]+') word), 'B');
$$;

-- One word as people look for it: the beginning of a word of the run. One with signs in it may stand in the reason, too: then
-- each of its parts is the beginning of a word there.
create function tminus.word_search(p_word text) returns text
language sql immutable as $$
  select format('(%s)', concat_ws(' | ',
    format('''%s'':*', replace(replace(p_word, '\', '\\'), '''', '''''')),
    (select string_agg(format('''%s'':*B', part), ' & ')
       from regexp_split_to_table(p_word, '[^[:alnum:]]+') part
       where part <> '' and p_word ~ '[^[:alnum:]]')));
$$;

-- What people look for: every word of it has to be found.
create function tminus.run_search(p_text text) returns tsquery
language sql immutable as $$
  select string_agg(tminus.word_search(lower(left(word, 200))), ' & ')::tsquery
    from regexp_split_to_table(p_text, '\s+') word where word <> '';
$$;

-- Without U+0000 and halves of surrogate pairs, which Postgres does not take as text and JSON writes in no other way.
create function tminus.readable_json(p_text text) returns json
language sql immutable as $$
  select regexp_replace(p_text, '\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})', '\\ufffd', 'g')::json;
$$;

-- Plans go where long values are kept, and do not lie between the rows that a list reads.
alter table tminus.run set (toast_tuple_target = 1024);

-- No generated columns: beside triggers those are made again whenever the row changes, which every event does.
alter table tminus.run
  add column release text,
  add column previous_release text,
  add column purpose text,
  add column is_emergency boolean,
  add column words tsvector;
-- A plan that says neither would otherwise keep the state from being opened.
update tminus.run r set
  release = found.release,
  previous_release = found.previous_release,
  purpose = found.purpose,
  is_emergency = found.is_emergency,
  words = tminus.run_words(
    r.id, r.environment, found.release, found.purpose, r.created_by, r.outcome, r.verdict)
from (
  select id, coalesce(p ->> 'release', '') as release, p ->> 'previousRelease' as previous_release,
         coalesce(p ->> 'purpose', 'deploy') as purpose, p -> 'emergency' is not null as is_emergency
  -- Each plan is read once.
  from (select id, tminus.readable_json(plan) as p from tminus.run offset 0) plans
) found
where found.id = r.id;
alter table tminus.run
  alter column release set not null, alter column purpose set not null, alter column is_emergency set not null,
  alter column words set not null;

create function tminus.take_from_plan() returns trigger
language plpgsql as $$
declare
  v_plan json := tminus.readable_json(new.plan);
begin
  new.release := v_plan ->> 'release';
  new.previous_release := v_plan ->> 'previousRelease';
  new.purpose := v_plan ->> 'purpose';
  new.is_emergency := v_plan -> 'emergency' is not null;
  return new;
end $$;

create function tminus.note_words() returns trigger
language plpgsql as $$
begin
  new.words := tminus.run_words(
    new.id, new.environment, new.release, new.purpose, new.created_by, new.outcome, new.verdict);
  return new;
end $$;

-- Triggers of one kind fire in the order of their names.
create trigger take_1_from_plan before insert on tminus.run
  for each row execute function tminus.take_from_plan();
create trigger take_2_words before insert on tminus.run
  for each row execute function tminus.note_words();
create trigger words_of_end before update of outcome, verdict on tminus.run
  for each row when (new.outcome is distinct from old.outcome or new.verdict is distinct from old.verdict)
  execute function tminus.note_words();
create trigger facts_stay before update of release, previous_release, purpose, is_emergency
  on tminus.run for each statement execute function tminus.refuse_change();
alter table tminus.run
  enable always trigger take_1_from_plan, enable always trigger take_2_words,
  enable always trigger words_of_end, enable always trigger facts_stay;

drop index tminus.run_by_environment;
create index run_by_age on tminus.run (project, created_at desc, id desc);
create index run_by_environment on tminus.run (project, environment, created_at desc, id desc);
create index run_by_outcome on tminus.run (project, outcome, created_at desc, id desc);
create index run_by_release on tminus.run (project, environment, release, created_at);
create index run_by_end on tminus.run (project, ended_at) where ended_at is not null;
create index run_by_beginning on tminus.run (id text_pattern_ops);
-- Without a list of what is still to be sorted in, which every search would have to read through.
create index run_by_word on tminus.run using gin (words) with (fastupdate = off);
