import type { Node } from "libpg-query";
import { textsOf, treeOf } from "../../sql/tree.ts";
import { keyOf, typeKeyOf, type Catalog } from "./catalog.ts";

/** Enums and domains. */
export function applyType(catalog: Catalog, node: Node, file: number): void {
  const created = treeOf(node, "CreateEnumStmt");
  if (created !== undefined) {
    const key = typeKeyOf(catalog, textsOf(created.typeName));
    catalog.enums.set(key, { key, values: textsOf(created.vals), madeIn: file });
  }
  const altered = treeOf(node, "AlterEnumStmt");
  if (altered !== undefined) {
    const values = catalog.enums.get(typeKeyOf(catalog, textsOf(altered.typeName)))?.values;
    const at = values?.indexOf(altered.oldVal ?? "") ?? -1;
    if (altered.oldVal !== undefined && at !== -1) values!.splice(at, 1, altered.newVal ?? "");
    else if (altered.newVal !== undefined) values?.push(altered.newVal);
  }
  const domain = treeOf(node, "CreateDomainStmt");
  if (domain !== undefined) {
    const key = typeKeyOf(catalog, textsOf(domain.domainname));
    const kinds = (domain.constraints ?? []).map((each) => treeOf(each, "Constraint")?.contype);
    const hasConstraint = kinds.some((kind) => kind === "CONSTR_CHECK" || kind === "CONSTR_NOTNULL");
    catalog.domains.set(key, { key, hasConstraint });
  }
}

/** Views and materialized views. */
export function applyView(catalog: Catalog, node: Node, file: number): void {
  const view = treeOf(node, "ViewStmt");
  if (view !== undefined) {
    const key = keyOf(catalog, view.view);
    const isSecurityInvoker = isOn(view.options, "security_invoker");
    catalog.views.set(key, {
      key,
      isMaterialized: false,
      isSecurityInvoker,
      ...queryOf(view.query),
      isPopulated: true,
      madeIn: file,
    });
  }
  const stored = treeOf(node, "CreateTableAsStmt");
  if (stored?.objtype === "OBJECT_MATVIEW") {
    const key = keyOf(catalog, stored.into?.rel);
    catalog.views.set(key, {
      key,
      isMaterialized: true,
      isSecurityInvoker: false,
      isPopulated: stored.into?.skipData !== true,
      ...queryOf(stored.query),
      madeIn: file,
    });
  }
  const refreshed = treeOf(node, "RefreshMatViewStmt");
  const filled = catalog.views.get(keyOf(catalog, refreshed?.relation));
  if (refreshed !== undefined && filled !== undefined) filled.isPopulated = refreshed.skipData !== true;
}

function queryOf(query: Node | undefined): { query?: Node } {
  return query === undefined ? {} : { query };
}

/** Functions, as far as their safety goes. */
export function applyFunction(catalog: Catalog, node: Node): void {
  const tree = treeOf(node, "CreateFunctionStmt");
  if (tree === undefined) return;
  const key = typeKeyOf(catalog, textsOf(tree.funcname));
  catalog.functions.set(key, {
    key,
    isSecurityDefiner: isOn(tree.options, "security"),
    ...(tree.sql_body === undefined ? {} : { body: tree.sql_body }),
    hasSearchPath: (tree.options ?? []).some((each) => {
      const set = treeOf(treeOf(each, "DefElem")?.arg, "VariableSetStmt");
      return set?.name === "search_path";
    }),
  });
}

/** Row-level policies. */
export function applyPolicy(catalog: Catalog, node: Node): void {
  const tree = treeOf(node, "CreatePolicyStmt") ?? treeOf(node, "AlterPolicyStmt");
  if (tree === undefined) return;
  const table = catalog.tables.get(keyOf(catalog, tree.table));
  const name = tree.policy_name ?? "";
  const before = table?.policies.get(name);
  const roles = (tree.roles ?? []).map((role) => treeOf(role, "RoleSpec")?.rolename ?? "public");
  table?.policies.set(name, {
    name,
    command: treeOf(node, "CreatePolicyStmt")?.cmd_name ?? before?.command ?? "all",
    ...(tree.qual === undefined ? {} : { using: tree.qual }),
    ...(tree.with_check === undefined ? {} : { withCheck: tree.with_check }),
    roles: roles.length === 0 ? (before?.roles ?? ["public"]) : roles,
  });
}

/** SET search_path and publications. */
export function applySetting(catalog: Catalog, node: Node): void {
  const set = treeOf(node, "VariableSetStmt");
  if (set?.name === "search_path") {
    const names = (set.args ?? []).map((each) => treeOf(each, "A_Const")?.sval?.sval ?? "");
    const path = names.filter((name) => name !== "" && name !== "$user" && name !== "pg_catalog");
    catalog.searchPath = path.length === 0 ? ["public"] : path;
  }
  const created = treeOf(node, "CreatePublicationStmt");
  const publication = created ?? treeOf(node, "AlterPublicationStmt");
  if (created?.for_all_tables === true) catalog.published.add("*");
  for (const each of publication?.pubobjects ?? []) {
    const object = treeOf(each, "PublicationObjSpec");
    const relation = object?.pubtable?.relation;
    if (relation !== undefined) catalog.published.add(keyOf(catalog, relation));
    else if (object?.pubobjtype?.startsWith("PUBLICATIONOBJ_TABLES_IN") === true) catalog.published.add("*");
  }
}

/** Whether an option is given and true; without a value it is. */
export function isOn(options: readonly Node[] | undefined, name: string): boolean {
  return (options ?? []).some((node) => {
    const option = treeOf(node, "DefElem");
    if (option?.defname !== name) return false;
    if (option.arg === undefined) return true;
    const value = treeOf(option.arg, "Boolean")?.boolval ?? treeOf(option.arg, "String")?.sval;
    return value === true || value === "true" || value === "on" || value === "1";
  });
}
