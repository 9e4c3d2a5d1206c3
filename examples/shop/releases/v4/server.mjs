import { startShop } from "../../app/start.mjs";
import { createAvailability } from "./availability.mjs";

startShop({ badges: true, availability: createAvailability() });
