import { canonicalJson } from "../model/canonical.ts";
import { toApprovalAnswer } from "../model/control.ts";
import type { Control, Entry } from "../model/entry.ts";
import { IntegrityError } from "../model/errors.ts";
import { HOST_FAULTS, HostFault } from "../model/hook.ts";
import { isJsonObject, type Json, type JsonObject } from "../model/json.ts";
import { unlike } from "./divergence.ts";

/** The recorded value of `input.control`. */
export function toControl(json: Json): Control {
  const { kind, by, hook, lease, reason, layers } = isJsonObject(json) ? json : {};
  if (typeof by === "string") {
    if (kind === "pause" || kind === "resume" || kind === "cancel") return { kind, by };
    const isOfHook = kind === "rearm" || kind === "revoke" || kind === "distrust";
    if (isOfHook && typeof hook === "string" && typeof reason === "string") {
      return { kind, hook, reason, by };
    }
    if (kind === "revoke-lease" && typeof lease === "string" && typeof reason === "string") {
      return { kind, lease, reason, by };
    }
    if (kind === "answer") return toAnswer(json as JsonObject);
    if (kind === "narrow" && Array.isArray(layers) && layers.every(isJsonObject)) return { kind, layers, by };
  }
  throw bad("input.control");
}

/** The same, where it is compared with what the entry says of it in clear. */
export function recordedControl(json: Json, entry: Entry): Control {
  const control = toControl(json);
  const { ref } = entry.body;
  const said = canonicalJson(ref ?? null);
  const meant = canonicalJson(controlRef(control, isJsonObject(ref) ? (ref.turn ?? null) : null));
  if (said !== meant) throw unlike(entry, `\`${said}\``, `\`${meant}\` in its sealed body`);
  return control;
}

/** What an entry says in clear of a control that was met when the kernel looked for the `turn`th time. */
export function controlRef(control: Control, turn: Json): JsonObject {
  return { ...inClear(control), control: control.kind, turn };
}

/** What of a control stands in clear: which hook it is about, which layers it adds; an answer as a whole, since the agent is told of it and others judge it. */
function inClear(control: Control): JsonObject {
  if ("hook" in control) return { hook: control.hook };
  if ("layers" in control) return { layers: control.layers };
  if ("lease" in control) return { lease: control.lease };
  if (control.kind !== "answer") return {};
  const { kind: _, ...what } = control;
  return { ...what };
}

/** As much of a control as its reference says: all of an answer, and of others what they are and whom they are about. */
export function controlInClear({ control, hook, ...what }: JsonObject): Control {
  return toControl({
    by: "a person",
    reason: "sealed",
    ...(hook === undefined ? {} : { hook }),
    ...what,
    kind: control ?? null,
  });
}

/** An answer, of which everything is data that the kernel judges. */
function toAnswer(json: JsonObject): Control {
  const { approval, answer, by, user, signed } = json;
  const known = toApprovalAnswer(answer);
  if (known === undefined || typeof approval !== "string" || typeof by !== "string" || typeof user !== "string") {
    throw bad("input.control");
  }
  return { kind: "answer", approval, answer: known, by, user, ...(isJsonObject(signed) ? { signed } : {}) };
}

/** The recorded value of `input.fault`. */
export function toFault(json: Json): HostFault {
  const { fault, hook, detail } = isJsonObject(json) ? json : {};
  const known = HOST_FAULTS.find((kind) => kind === fault);
  if (known === undefined || typeof detail !== "string") throw bad("input.fault");
  return new HostFault(known, typeof hook === "string" ? hook : undefined, detail);
}

function bad(kind: string): IntegrityError {
  return new IntegrityError({
    code: "bad-content",
    message: `the value of a recorded \`${kind}\` is not one that this version writes`,
  });
}
