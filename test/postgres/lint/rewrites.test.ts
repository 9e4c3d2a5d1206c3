import type { Node } from "libpg-query";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCode } from "../../../src/errors.ts";
import type { BadExample, LintRule } from "../../../src/postgres/lint/define-rule.ts";
import { readLintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import { sqlOf } from "../../../src/postgres/lint/rewrite/sql-of.ts";
import { parseSql } from "../../../src/postgres/sql/parse.ts";
import { treeOf } from "../../../src/postgres/sql/tree.ts";
import { exampleTemplate, lintExample, shows } from "./example-runner.ts";
import {
  differences,
  lintPieces,
  rewriteExample,
  runOriginal,
  runPieces,
  sharedRows,
} from "./rewrite-runner.ts";

/** Rules that block or ask and have neither a rewrite nor a reason yet. */
const MISSING: readonly string[] = [
  // columns, types, rows
  "batch-loop",
  "change-column-type",
  "change-every-row",
  "data-change-under-lock",
  "narrow-column-type",
