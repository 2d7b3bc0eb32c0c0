import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Json, JsonObject } from "../../src/model/json.ts";
import type { Phase } from "../../src/model/phase.ts";

/** One example of `hooks/<name>/cases.yaml`: what a hook is asked and what it must answer. */
export interface Case {
  readonly name: string;
  readonly phase: Phase;
  readonly config: JsonObject;
  readonly payload: JsonObject;
  readonly expect: {
    readonly decision?: "allow" | "block" | "transform";
    /** Every text stands in the rationale. */
    readonly rationale?: readonly string[];
    /** Instead of a decision: a text of the error that the hook throws. */
    readonly error?: string;
    readonly payload?: JsonObject;
    readonly events?: readonly Json[];
    readonly capsules?: readonly Json[];
  };
}

interface CasesFile {
  /** Used where a case has no configuration of its own. */
  readonly config: JsonObject;
  /** Members of every payload but those of `audit`. */
  readonly common: JsonObject;
  readonly cases: readonly (Omit<Case, "config"> & { readonly config?: JsonObject })[];
}

export function readCases(folder: string): readonly Case[] {
  const file = parse(readFileSync(join(folder, "cases.yaml"), "utf8"), { merge: true }) as CasesFile;
  return file.cases.map((one) => {
    const common = one.phase === "audit" ? {} : file.common;
    const { payload } = one.expect;
    return {
      ...one,
      config: one.config ?? file.config,
      payload: { ...common, ...one.payload },
      expect: { ...one.expect, ...(payload === undefined ? {} : { payload: { ...common, ...payload } }) },
    };
  });
}
