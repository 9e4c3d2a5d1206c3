/**
 * Who may do what, one object per grantable thing: role → rights, "*" behind those it may pass on, "public" for
 * everybody. An absent list is the server's default, which for tables and sequences is the owner alone. The owner's
 * own rights are left out, since every environment may have another owner; and MAINTAIN, which servers before 17 do
 * not know.
 */
export const ACCESS = `
  select 'grants' as kind, x.what || coalesce('.' || x.part, '') as identity, x.what as "on", x.part as name,
    0 as position, g.rights as definition, null as sql
  from (
    select 'schema ' || name as what, null as part, coalesce(nspacl, acldefault('n', nspowner)) as acl, nspowner as owner from space
    union all
    select case relkind when 'S' then 'sequence ' else 'table ' end || identity, null,
      relacl, relowner
    from relation where relkind in ('r', 'p', 'v', 'm', 'f', 'S') and relacl is not null
    union all
    select 'table ' || c.identity, quote_ident(a.attname), a.attacl, c.relowner
    from relation c join pg_attribute a on a.attrelid = c.oid where a.attacl is not null and not a.attisdropped
    union all
    select 'routine ' || s.name || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')', null,
      coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
    from pg_proc p join space s on s.oid = p.pronamespace
    where not exists (select from extension_member e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
      and not exists (select from pg_depend o where o.classid = 'pg_proc'::regclass and o.objid = p.oid and o.deptype = 'i')
    union all
    select 'type ' || s.name || '.' || quote_ident(t.typname), null, t.typacl, t.typowner
    from pg_type t join space s on s.oid = t.typnamespace where t.typacl is not null
      and not exists (select from extension_member e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
  ) x,
  lateral (
    select jsonb_object_agg(role, rights) as rights from (
      select case when e.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(e.grantee)) end as role,
        jsonb_agg(distinct e.privilege_type || case when e.is_grantable then '*' else '' end) as rights
      from aclexplode(x.acl) e where e.grantee <> x.owner and e.privilege_type <> 'MAINTAIN' group by 1
    ) r
  ) g
  where g.rights is not null
  union all
  select 'default grants', format('for %s%s on %s', quote_ident(pg_get_userbyid(d.defaclrole)), ' in schema ' || s.name, k.what),
    format('for role %s%s', quote_ident(pg_get_userbyid(d.defaclrole)), ' in schema ' || s.name), k.what, 0,
    (select coalesce(jsonb_object_agg(role, rights), '{}') from (
      select case when e.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(e.grantee)) end as role,
        jsonb_agg(distinct e.privilege_type || case when e.is_grantable then '*' else '' end) as rights
      from aclexplode(d.defaclacl) e where e.grantee <> d.defaclrole and e.privilege_type <> 'MAINTAIN' group by 1) r), null
  from pg_default_acl d left join space s on s.oid = d.defaclnamespace,
    lateral (select case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
      when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end) k (what)
  where d.defaclnamespace = 0 or s.oid is not null`;
