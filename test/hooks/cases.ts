import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Case, readCases as read } from "../../src/blueprint/cases.ts";

export type { Case } from "../../src/blueprint/cases.ts";

/** The cases of a hook of this repository. */
export function readCases(folder: string): readonly Case[] {
  const file = join(folder, "cases.yaml");
  return read(readFileSync(file), file);
}
