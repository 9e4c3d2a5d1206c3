const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** Ends the response with `value` as JSON. */
export function sendJson(response, status, value, headers = {}) {
  send(response, status, "application/json; charset=utf-8", JSON.stringify(value), headers);
}

/** Ends the response with an HTML page. */
export function sendHtml(response, status, html) {
  send(response, status, "text/html; charset=utf-8", html, {});
}

function send(response, status, type, body, headers) {
  response.writeHead(status, {
    ...securityHeaders,
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}
