import { HttpError } from "./http-error.mjs";

/**
 * Finds the handler for a method and path. Routes are `["GET /api/products/:id", handler]`; a segment with a
 * colon matches anything but a slash. Throws 404 for an unknown path and 405 for a known one.
 */
export function createRouter(routes) {
  const table = routes.map(([route, handler]) => {
    const [method, path] = route.split(" ");
    return { method, segments: path.split("/"), handler };
  });
  return function find(method, path) {
    const segments = path.split("/");
    const samePath = table.filter((row) => matches(row.segments, segments));
    if (samePath.length === 0) throw new HttpError(404, "not_found", "there is nothing at this address");
    const wanted = method === "HEAD" ? "GET" : method;
    const row = samePath.find((candidate) => candidate.method === wanted);
    if (row === undefined) {
      const allow = samePath.map((candidate) => candidate.method).join(", ");
      throw new HttpError(405, "method_not_allowed", `use ${allow}`, { allow });
    }
    return { handler: row.handler, params: paramsOf(row.segments, segments) };
  };
}

function matches(pattern, segments) {
  return (
    pattern.length === segments.length &&
    pattern.every((part, i) => (part.startsWith(":") ? segments[i] !== "" : part === segments[i]))
  );
}

function paramsOf(pattern, segments) {
  const params = {};
  pattern.forEach((part, i) => {
    if (part.startsWith(":")) params[part.slice(1)] = segments[i];
  });
  return params;
}
