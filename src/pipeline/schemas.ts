import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import capsules from "../../schemas/capsules.v1.json" with { type: "json" };
import audit from "../../schemas/phase/audit.v1.json" with { type: "json" };
import common from "../../schemas/phase/common.v1.json" with { type: "json" };
import postReceive from "../../schemas/phase/post-receive.v1.json" with { type: "json" };
import postTool from "../../schemas/phase/post-tool.v1.json" with { type: "json" };
import prePlan from "../../schemas/phase/pre-plan.v1.json" with { type: "json" };
import preSend from "../../schemas/phase/pre-send.v1.json" with { type: "json" };
import preTool from "../../schemas/phase/pre-tool.v1.json" with { type: "json" };
import spawn from "../../schemas/phase/spawn.v1.json" with { type: "json" };
import stateTransition from "../../schemas/phase/state-transition.v1.json" with { type: "json" };
import { canonicalJson } from "../model/canonical.ts";
import type { Json } from "../model/json.ts";
import type { CapsuleKind, Phase } from "../model/phase.ts";

const SCHEMAS: Readonly<Record<Phase, object>> = {
  "pre-plan": prePlan,
  "pre-send": preSend,
  "post-receive": postReceive,
  "pre-tool": preTool,
  "post-tool": postTool,
  "state-transition": stateTransition,
  spawn,
  audit,
};

/** Byte budgets of capsules, over their canonical JSON. */
export const CAPSULE_BYTES: Readonly<Record<CapsuleKind, number>> = {
  status: 2048,
  plan: 8192,
  decision: 4096,
  manifest: 8192,
  risk: 2048,
};

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, schemas: [common] });
const compiled = new Map<object, ValidateFunction>();

function check(schema: object, value: unknown): string | undefined {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    compiled.set(schema, validate);
  }
  if (validate(value)) return undefined;
  const faults = (validate.errors ?? [])
    .slice(0, 3)
    .map((e) => `\`${e.instancePath || "/"}\` ${e.message ?? "is wrong"}`);
  return faults.join("; ");
}

/** What is wrong with a payload by the schema of its phase (`schemas/phase/`), or undefined. Compiles a schema at its first use. */
export function invalidPayload(phase: Phase, payload: unknown): string | undefined {
  return check(SCHEMAS[phase], payload);
}

/** What is wrong with a capsule by `schemas/capsules.v1.json` and its byte budget, or undefined. */
export function invalidCapsule(kind: string, value: Json): string | undefined {
  if (!Object.hasOwn(CAPSULE_BYTES, kind))
    return `there is no such kind; there are ${Object.keys(CAPSULE_BYTES).join(", ")}`;
  const bytes = Buffer.byteLength(canonicalJson(value));
  const allowed = CAPSULE_BYTES[kind as CapsuleKind];
  if (bytes > allowed) return `it takes ${bytes} bytes, ${allowed} are allowed`;
  return check(capsules, { [kind]: value });
}
