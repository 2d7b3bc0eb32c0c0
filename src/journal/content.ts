import type { Control } from "../model/entry.ts";
import { IntegrityError } from "../model/errors.ts";
import { HOST_FAULTS, HostFault } from "../model/hook.ts";
import { isJsonObject, type Json } from "../model/json.ts";

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
    if (kind === "narrow" && Array.isArray(layers) && layers.every(isJsonObject)) return { kind, layers, by };
  }
  throw bad("input.control");
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
