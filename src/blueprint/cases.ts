import { LineCounter, parseDocument } from "yaml";
import type { Decision } from "../model/hook.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import type { CapsuleKind, Phase } from "../model/phase.ts";
import { type Fault, type Finding, InvalidFileError, MAX_FAULTS } from "./fault.ts";
import { validatorOf } from "./schema.ts";
import { decode } from "./text.ts";

/** One example of a hook's `cases.yaml`: what it is asked and what it must answer (`schemas/cases.v1.json`). */
export interface Case {
  readonly name: string;
  readonly phase: Phase;
  readonly config: JsonObject;
  readonly payload: JsonObject;
  readonly capsules: Readonly<Partial<Record<CapsuleKind, Json>>>;
  readonly expect: Expected;
}

/** What is left out is not looked at, but for events, capsules and approvals: there are none then. */
export interface Expected {
  readonly decision?: Decision;
  /** Every text stands in the rationale. */
  readonly rationale?: readonly string[];
  /** Instead of a decision: a text of the error that the hook throws, or of the reason why it failed. */
  readonly error?: string;
  readonly payload?: JsonObject;
  readonly events?: readonly Json[];
  readonly capsules?: readonly Json[];
  readonly approvals?: readonly Json[];
}

interface CasesFile {
  readonly config: JsonObject;
  readonly common: JsonObject;
  readonly cases: readonly (Omit<Case, "config" | "capsules"> & Partial<Pick<Case, "config" | "capsules">>)[];
}

/**
 * Reads the cases of a hook. Anchors and merge keys (`<<`) are allowed here, since cases repeat themselves and their author
 * runs them. Throws `InvalidFileError` with everything that is wrong.
 */
export function readCases(bytes: Uint8Array, file: string): readonly Case[] {
  const decoded = decode(bytes);
  const faults = (found: readonly Omit<Fault, "file" | "pointer">[]) =>
    new InvalidFileError(found.map((fault) => ({ file, pointer: "", ...fault })));
  if (!decoded.ok) throw faults(decoded.faults);
  const lines = new LineCounter();
  const document = parseDocument(decoded.text, { merge: true, uniqueKeys: true, version: "1.2", lineCounter: lines });
  const placeOf = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    throw faults(
      document.errors.map(({ pos, message }) => ({ ...placeOf(pos[0]), message: message.split("\n")[0] ?? "" })),
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 1000 });
  const findings: Finding[] = validatorOf("cases")(value, { sourceOf: () => undefined, base: "" });
  if (findings.length > 0) {
    const rangeOf = (pointer: string): number => {
      const path = pointer.split("/").slice(1).map(plain);
      for (; path.length > 0; path.pop()) {
        const node: unknown = document.getIn(path, true);
        if (node instanceof Object && "range" in node && Array.isArray(node.range)) return Number(node.range[0]);
      }
      return 0;
    };
    throw new InvalidFileError(
      findings
        .slice(0, MAX_FAULTS)
        .map(({ pointer, message }) => ({ file, pointer, message, ...placeOf(rangeOf(pointer)) })),
    );
  }
  return (value as CasesFile).cases.map((one) => whole(one, value as CasesFile));
}

function plain(token: string): string | number {
  return /^\d+$/.test(token) ? Number(token) : token.replaceAll("~1", "/").replaceAll("~0", "~");
}

function whole(one: CasesFile["cases"][number], file: CasesFile): Case {
  const common = one.phase === "audit" ? {} : file.common;
  const { payload } = one.expect;
  return {
    ...one,
    config: one.config ?? file.config,
    payload: { ...common, ...one.payload },
    capsules: one.capsules ?? {},
    expect: { ...one.expect, ...(isJsonObject(payload) ? { payload: { ...common, ...payload } } : {}) },
  };
}
