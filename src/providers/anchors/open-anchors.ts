import { resolve } from "node:path";
import type { AnchorPlace, AnchorSettings } from "../../model/audit.ts";
import { fileAnchors } from "./file.ts";
import { gitAnchors } from "./git.ts";

/** The place that a runbook names; paths are relative to the project. */
export function openAnchors(settings: AnchorSettings, projectDirectory: string): AnchorPlace {
  return "file" in settings
    ? fileAnchors(resolve(projectDirectory, settings.file))
    : gitAnchors(settings.git, projectDirectory);
}
