import type { Json, JsonObject } from "../model/json.ts";
import type { Need } from "../model/lease.ts";
import type { Taxon } from "../model/phase.ts";
import { type Idempotency, type Leased, type Permission, ToolError } from "../model/tool.ts";
import { type Check, checkOf } from "./schema.ts";
import type { Handed } from "./secrets/uses.ts";

/** What a call names, opened and read, so that what was resolved is what is acted upon. */
export interface Prepared {
  /** What gates see and what a person approves. Equal for an unchanged world. */
  readonly resolution: JsonObject;
  act(): Promise<Json>;
  /** The result when the world is already as the call would leave it, for a call that is repeated after a crash. */
  readonly done?: () => Json;
  close(): void | Promise<void>;
}

export interface PrepareOptions {
  readonly signal: AbortSignal;
  /** When performing: what was resolved before. Only for facts that may differ from one look to the next, such as addresses. */
  readonly earlier?: JsonObject;
  /** When performing: the secrets that the call is handed. */
  readonly handed?: readonly Handed[];
  /** When performing: what the leases of the call say. */
  readonly leased?: Leased;
}

/** A kind of tool, with the facts about it that no registry may weaken. */
export interface ToolKind<Arguments> {
  readonly name: string;
  readonly taxon: Taxon;
  readonly readOnly: boolean;
  readonly idempotency: Idempotency;
  readonly inputSchema: JsonObject;
  readonly outputSchema: JsonObject;
  /** Pure. */
  permit(call: Arguments, resolution: JsonObject): Permission;
  /** What a call touches besides being a call of this tool. Pure. */
  needs(call: Arguments, resolution: JsonObject): readonly Need[];
  /** Changes nothing. Throws `ToolError` for what cannot be resolved; the toolbox turns it into data. */
  prepare(call: Arguments, options: PrepareOptions): Prepared | Promise<Prepared>;
}

/** A tool of any kind: it validates the arguments before the kind sees them. */
export interface Tool extends Omit<ToolKind<JsonObject>, "prepare"> {
  readonly invalid: Check;
  readonly invalidOutput: Check;
  /** Never throws for what the call names: that becomes `problem` in the resolution, and the error of `act`. */
  prepare(call: JsonObject, options: PrepareOptions): Promise<Prepared>;
}

/** The one place where arguments become typed: they fit the schema of the kind, whatever the registry says. */
export function defineTool<Arguments>(kind: ToolKind<Arguments>): Tool {
  const invalid = lazily(() => checkOf(kind.inputSchema, `the input schema of \`${kind.name}\``));
  const invalidOutput = lazily(() => checkOf(kind.outputSchema, `the output schema of \`${kind.name}\``));
  const typed = (call: JsonObject): Arguments => {
    const fault = invalid(call);
    if (fault !== undefined) throw new ToolError("bad-arguments", fault);
    return call as Arguments;
  };
  return {
    ...kind,
    invalid,
    invalidOutput,
    permit(call, resolution) {
      const fault = invalid(call);
      if (fault !== undefined) return { allow: false, rule: "pinion: arguments fit the tool", reason: fault };
      return kind.permit(call as Arguments, resolution);
    },
    needs: (call, resolution) => kind.needs(call as Arguments, resolution),
    async prepare(call, options) {
      try {
        return await kind.prepare(typed(call), options);
      } catch (error) {
        if (!(error instanceof ToolError) || error.code === "cancelled") throw error;
        return unresolved(error);
      }
    },
  };
}

function unresolved(error: ToolError): Prepared {
  return {
    resolution: { problem: { code: error.code, message: error.message } },
    act: () => Promise.reject(error),
    close: () => undefined,
  };
}

function lazily(make: () => Check): Check {
  let check: Check | undefined;
  return (value) => {
    check ??= make();
    return check(value);
  };
}

/** Throws when the call was cancelled. */
export function goOn(signal: AbortSignal): void {
  if (signal.aborted) throw new ToolError("cancelled", "the call was cancelled");
}

/** Lets other work happen, then throws when the call was cancelled meanwhile. */
export async function breathe(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  goOn(signal);
}

/** A JSON Schema object that knows all its fields. */
export function fields(properties: JsonObject, optional: readonly string[] = []): JsonObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", additionalProperties: false, required, properties };
}
