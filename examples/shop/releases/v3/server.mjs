import { startShop } from "../../app/start.mjs";
import { pickingBay } from "./picking-bay.mjs";

startShop({ badges: true, describeOrder: (order) => ({ pickingBay: pickingBay(order.id) }) });
