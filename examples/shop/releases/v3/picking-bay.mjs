const slots = 100;
const bays = Array.from({ length: 23 }, (_, i) => ({ code: `B${String(i + 1).padStart(2, "0")}` }));
const slotsPerBay = Math.floor(slots / bays.length);

/** The bay of the warehouse in which an order is collected: orders are spread evenly by their number. */
export function pickingBay(orderId) {
  const slot = Number.parseInt(orderId.slice(0, 8), 16) % slots;
  return bays[Math.floor(slot / slotsPerBay)].code;
}
