import { discoverMigrations } from "../discover.ts";
import type { MigrationHistory } from "../history.ts";

/** <timestamp>_<name>.sql with up and down sections; only tminus runs them. */
export const nativeHistory: MigrationHistory = { format: "native", discover: discoverMigrations };
