import { startShop } from "../../app/start.mjs";

startShop({ badges: true });
