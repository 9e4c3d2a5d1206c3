/** Functions, triggers, rules and policies: what acts by itself. Sources are told by their MD5, kept short. */
export const BEHAVIOUR = `
  select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
    f.identity, null as "on", quote_ident(p.proname) as name, p.oid::bigint as position,
    jsonb_build_object(
      'arguments', pg_get_function_arguments(p.oid),
      'returns', pg_get_function_result(p.oid),
      'language', l.lanname,
      'source', md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)),
      'volatility', case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
      'securityDefiner', p.prosecdef,
      'strict', nullif(p.proisstrict, false),
      'leakproof', nullif(p.proleakproof, false),
      'parallel', case p.proparallel when 's' then 'safe' when 'r' then 'restricted' end,
      'cost', p.procost,
      'rows', nullif(p.prorows, 0),
      'config', (select jsonb_agg(o order by o) from unnest(p.proconfig) o),
      'aggregate', case when p.prokind = 'a' then (select jsonb_build_object('step', g.aggtransfn::regprocedure::text,
          'state', format_type(g.aggtranstype, null), 'final', nullif(g.aggfinalfn::oid, 0)::regprocedure::text,
          'initial', g.agginitval) from pg_aggregate g where g.aggfnoid = p.oid) end) as definition,
    case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end as sql
  from pg_proc p join space s on s.oid = p.pronamespace join pg_language l on l.oid = p.prolang,
    lateral (select s.name || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')') f (identity)
  where not exists (select from extension_member e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
    and not exists (select from pg_depend o where o.classid = 'pg_proc'::regclass and o.objid = p.oid and o.deptype = 'i')
  union all
  select 'trigger', c.identity || '.' || quote_ident(t.tgname), c.identity, quote_ident(t.tgname), t.oid::bigint,
    jsonb_build_object('definition', d.text,
      'enabled', case t.tgenabled when 'O' then 'yes' when 'D' then 'no' when 'R' then 'replica' else 'always' end),
    d.text
  from relation c join pg_trigger t on t.tgrelid = c.oid, pg_get_triggerdef(t.oid) d (text)
  where not t.tgisinternal and t.tgparentid = 0
  union all
  select 'rule', c.identity || '.' || quote_ident(r.rulename), c.identity, quote_ident(r.rulename), r.oid::bigint,
    jsonb_build_object('definition', d.text, 'enabled', r.ev_enabled), d.text
  from relation c join pg_rewrite r on r.ev_class = c.oid, rtrim(pg_get_ruledef(r.oid), ';') d (text)
  where r.rulename <> '_RETURN'
  union all
  select 'policy', c.identity || '.' || quote_ident(p.polname), c.identity, quote_ident(p.polname), p.oid::bigint,
    jsonb_build_object('permissive', p.polpermissive, 'command', w.command, 'roles', w.roles, 'using', w.using,
      'withCheck', w.with_check),
    format('create policy %I on %s as %s for %s to %s%s%s', p.polname, c.identity,
      case when p.polpermissive then 'permissive' else 'restrictive' end, w.command,
      (select string_agg(r, ', ' order by r) from jsonb_array_elements_text(w.roles) r),
      ' using (' || w.using || ')', ' with check (' || w.with_check || ')')
  from relation c join pg_policy p on p.polrelid = c.oid,
    lateral (select
      case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
      (select jsonb_agg(case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end
        order by pg_get_userbyid(r)) from unnest(p.polroles) r),
      pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) w (command, roles, "using", with_check)`;
