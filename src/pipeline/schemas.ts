import { canonicalJson } from "../model/canonical.ts";
import type { Json } from "../model/json.ts";
import type { CapsuleKind, Phase } from "../model/phase.ts";
import * as generated from "./generated/payloads.mjs";

/** A validator as ajv writes it (`scripts/generate-validators.ts`). */
type Validator = ((value: unknown) => boolean) & {
  readonly errors?:
    | readonly {
        readonly instancePath: string;
        readonly message?: string;
        readonly params: Readonly<Record<string, unknown>>;
      }[]
    | null;
};

const VALIDATORS: Readonly<Record<Phase, Validator>> = {
  "pre-plan": generated.prePlan,
  "pre-send": generated.preSend,
  "post-receive": generated.postReceive,
  "pre-tool": generated.preTool,
  "post-tool": generated.postTool,
  "state-transition": generated.stateTransition,
  spawn: generated.spawn,
  audit: generated.audit,
};

/** Byte budgets of capsules, over their canonical JSON. */
export const CAPSULE_BYTES: Readonly<Record<CapsuleKind, number>> = {
  status: 2048,
  plan: 8192,
  decision: 4096,
  manifest: 8192,
  risk: 2048,
};

function check(validate: Validator, value: unknown): string | undefined {
  if (validate(value)) return undefined;
  const faults = (validate.errors ?? [])
    .slice(0, 3)
    .map((e) => `\`${e.instancePath || "/"}\` ${e.message ?? "is wrong"}`);
  return faults.join("; ");
}

/** What is wrong with a payload by the schema of its phase (`schemas/phase/`), or undefined. */
export function invalidPayload(phase: Phase, payload: unknown): string | undefined {
  return check(VALIDATORS[phase], payload);
}

/** The same for a person who wrote the payload: where (RFC 6901) and what. Nothing when the payload is valid. */
export function payloadFaults(
  phase: Phase,
  payload: unknown,
): readonly { readonly pointer: string; readonly message: string }[] {
  const validate = VALIDATORS[phase];
  if (validate(payload)) return [];
  return (validate.errors ?? []).slice(0, 1).map(({ instancePath, message, params }) => {
    const { missingProperty, additionalProperty, allowedValues } = params;
    if (missingProperty !== undefined)
      return { pointer: instancePath, message: `missing field \`${missingProperty}\`` };
    if (additionalProperty !== undefined)
      return { pointer: instancePath, message: `unknown field \`${additionalProperty}\`` };
    const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : "";
    return { pointer: instancePath, message: `${message ?? "is wrong"}${allowed}` };
  });
}

/** What is wrong with a capsule by `schemas/capsules.v1.json` and its byte budget, or undefined. */
export function invalidCapsule(kind: string, value: Json): string | undefined {
  if (!Object.hasOwn(CAPSULE_BYTES, kind))
    return `there is no such kind; there are ${Object.keys(CAPSULE_BYTES).join(", ")}`;
  const bytes = Buffer.byteLength(canonicalJson(value));
  const allowed = CAPSULE_BYTES[kind as CapsuleKind];
  if (bytes > allowed) return `it takes ${bytes} bytes, ${allowed} are allowed`;
  return check(generated.capsules, { [kind]: value });
}
