import { randomUUID } from "node:crypto";
import { readJson } from "./body.mjs";
import { HttpError } from "./http-error.mjs";
import { sendJson } from "./respond.mjs";
import { orderId, orderLines } from "./validate.mjs";

/** Placing and reading one's own orders. `features.describeOrder` may add fields to an order before it is committed. */
export function orderRoutes({ database, sessions, features }) {
  return [
    ["POST /api/orders", place],
    ["GET /api/orders/:id", read],
  ];

  async function place({ request, response }) {
    const userId = await sessions.userOf(request);
    const lines = orderLines(await readJson(request));
    await features.availability?.(
      lines.map((line) => line.productId),
      database,
    );
    const order = await database.transaction(async (query) => {
      const products = await lockProducts(query, lines);
      const placed = await insertOrder(query, userId, lines, products);
      return { ...placed, ...features.describeOrder?.(placed) };
    });
    sendJson(response, 201, { order }, { location: `/api/orders/${order.id}` });
  }

  async function read({ request, response, params }) {
    const userId = await sessions.userOf(request);
    const id = orderId(params.id);
    const rows = id === undefined ? [] : await findOrder(database, id, userId);
    // Somebody else's order is answered like one that does not exist.
    if (rows.length === 0) throw new HttpError(404, "not_found", "you have no such order");
    const items = rows.map((row) => ({
      productId: row.product_id,
      quantity: row.quantity,
      priceCents: row.price_cents,
    }));
    const order = { id, totalCents: rows[0].total_cents, createdAt: rows[0].created_at, items };
    sendJson(response, 200, { order: { ...order, ...features.describeOrder?.(order) } });
  }
}

/** Prices of the ordered products, their rows locked until the transaction ends. Throws 400 and 409. */
async function lockProducts(query, lines) {
  const { rows } = await query(
    "product-lock",
    "SELECT id, price_cents, stock FROM products WHERE id = ANY ($1::int[]) ORDER BY id FOR NO KEY UPDATE",
    [lines.map((line) => line.productId)],
  );
  const products = new Map(rows.map((row) => [row.id, row]));
  for (const { productId, quantity } of lines) {
    const product = products.get(productId);
    if (product === undefined)
      throw new HttpError(400, "product_unknown", `there is no product ${productId}`);
    if (product.stock < quantity) {
      throw new HttpError(409, "out_of_stock", `product ${productId} has ${product.stock} left`);
    }
  }
  return products;
}

async function insertOrder(query, userId, lines, products) {
  const ids = lines.map((line) => line.productId);
  const quantities = lines.map((line) => line.quantity);
  const prices = ids.map((id) => products.get(id).price_cents);
  const totalCents = lines.reduce((sum, line, i) => sum + line.quantity * prices[i], 0);
  await query(
    "product-take",
    `UPDATE products SET stock = stock - taken.quantity
       FROM unnest($1::int[], $2::int[]) AS taken (id, quantity) WHERE products.id = taken.id`,
    [ids, quantities],
  );
  const id = randomUUID();
  const { rows } = await query(
    "order-insert",
    "INSERT INTO orders (id, user_id, total_cents) VALUES ($1, $2, $3) RETURNING created_at",
    [id, userId, totalCents],
  );
  await query(
    "order-items-insert",
    `INSERT INTO order_items (order_id, product_id, quantity, price_cents)
     SELECT $1, product_id, quantity, price_cents
       FROM unnest($2::int[], $3::int[], $4::int[]) AS line (product_id, quantity, price_cents)`,
    [id, ids, quantities, prices],
  );
  const items = lines.map((line, i) => ({ ...line, priceCents: prices[i] }));
  return { id, totalCents, createdAt: rows[0].created_at, items };
}

async function findOrder(database, id, userId) {
  const { rows } = await database.query(
    "order-find",
    `SELECT orders.total_cents, orders.created_at, order_items.product_id, order_items.quantity,
            order_items.price_cents
       FROM orders JOIN order_items ON order_items.order_id = orders.id
      WHERE orders.id = $1 AND orders.user_id = $2 ORDER BY order_items.product_id`,
    [id, userId],
  );
  return rows;
}
