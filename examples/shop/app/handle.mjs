import { isUnavailable } from "./database.mjs";
import { HttpError } from "./http-error.mjs";
import { log } from "./log.mjs";
import { sendJson } from "./respond.mjs";

/**
 * The listener for a server's requests: finds the route, answers, and turns whatever is thrown into an answer.
 * After `drain()` every answer not yet sent closes its connection.
 */
export function createHandler(find) {
  const unanswered = new Set();
  let draining = false;

  async function handle(request, response) {
    if (draining) response.setHeader("connection", "close");
    unanswered.add(response);
    response.once("close", () => unanswered.delete(response));
    try {
      const url = parseTarget(request.url);
      const { handler, params } = find(request.method, url.pathname);
      await handler({ request, response, params, search: url.searchParams });
    } catch (error) {
      answerError(request, response, error);
    }
  }

  function drain() {
    draining = true;
    for (const response of unanswered) {
      if (!response.headersSent) response.setHeader("connection", "close");
    }
  }

  return { handle, drain };
}

function parseTarget(target) {
  const url = URL.parse(target, "http://shop.invalid");
  if (url === null || !target.startsWith("/"))
    throw new HttpError(400, "bad_target", "the address is not valid");
  return url;
}

function answerError(request, response, error) {
  // Nobody is left to answer: the client went away, or the answer has begun.
  if (response.headersSent || request.socket.destroyed) return response.destroy();
  if (error instanceof HttpError) {
    return sendJson(
      response,
      error.status,
      { error: { code: error.code, message: error.message } },
      error.headers,
    );
  }
  log("request.failed", { method: request.method, path: request.url.split("?", 1)[0], error: error.stack });
  const [status, code, message] = isUnavailable(error)
    ? [503, "unavailable", "the database cannot be reached; try again"]
    : [500, "internal", "something went wrong here"];
  sendJson(response, status, { error: { code, message } }, status === 503 ? { "retry-after": "1" } : {});
}
