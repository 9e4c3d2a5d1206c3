import { sendHtml, sendJson } from "./respond.mjs";

/** The front page, and the health check that a load balancer asks. */
export function pageRoutes({ database, release, isDraining }) {
  return [
    ["GET /", home],
    ["GET /health", health],
  ];

  function home({ response }) {
    const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<style>body{font:16px/1.5 system-ui;max-width:36rem;margin:4rem auto;padding:0 1rem}</style>
<h1>Shop</h1><p>Release <b>${escapeHtml(release)}</b>. The catalogue is at <a href="/api/products">/api/products</a>.</p></html>`;
    sendHtml(response, 200, html);
  }

  async function health({ response }) {
    if (isDraining()) return sendJson(response, 503, { status: "draining", release });
    try {
      await database.query("health", "SELECT 1", []);
    } catch {
      // The answer is the report; what is wrong with the database is not for whoever can reach this page.
      return sendJson(response, 503, { status: "database unavailable", release });
    }
    sendJson(response, 200, { status: "ok", release });
  }
}

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
