import { HttpError } from "./http-error.mjs";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const EMAIL = /^[^\s@]{1,64}@[^\s@]{1,190}$/;
const MAX_ID = 2_147_483_647;

/** Email and password of a sign-up or login, the email in lower case. Throws 400. */
export function credentials(body) {
  const { email, password } = body;
  if (typeof email !== "string" || !EMAIL.test(email)) throw invalid("email must be an email address");
  if (typeof password !== "string" || password.length < 8 || password.length > 128) {
    throw invalid("password must have 8 to 128 characters");
  }
  return { email: email.toLowerCase(), password };
}

/** The lines of an order, by product id: one fixed order of taking row locks, so two orders cannot deadlock. Throws 400. */
export function orderLines(body) {
  const { items } = body;
  if (!Array.isArray(items) || items.length < 1 || items.length > 20) {
    throw invalid("items must be a list of 1 to 20 lines");
  }
  const lines = items.map((item) => {
    const { productId, quantity } = item ?? {};
    if (!isId(productId)) throw invalid("productId must be the number of a product");
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 99)
      throw invalid("quantity must be 1 to 99");
    return { productId, quantity };
  });
  if (new Set(lines.map((line) => line.productId)).size < lines.length) {
    throw invalid("a product may appear on one line only");
  }
  return lines.sort((a, b) => a.productId - b.productId);
}

/** `limit` and `after` of a listing. Throws 400. */
export function page(search) {
  const limit = Number(search.get("limit") ?? 20);
  const after = Number(search.get("after") ?? 0);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw invalid("limit must be 1 to 100");
  if (!Number.isInteger(after) || after < 0 || after > MAX_ID)
    throw invalid("after must be the number of a product");
  return { limit, after };
}

/** A product number from a path, or undefined when no product can have it. */
export function productId(text) {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  return isId(id) ? id : undefined;
}

/** An order number from a path, or undefined when no order can have it. */
export function orderId(text) {
  return UUID.test(text) ? text : undefined;
}

function isId(value) {
  return Number.isInteger(value) && value >= 1 && value <= MAX_ID;
}

function invalid(message) {
  return new HttpError(400, "invalid", message);
}
