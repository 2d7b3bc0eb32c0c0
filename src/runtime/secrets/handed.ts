import type { Entry } from "../../model/entry.ts";
import { InputError } from "../../model/errors.ts";
import { isJsonObject, type Json } from "../../model/json.ts";
import { variableOf } from "../../secret/value.ts";
import type { Secrets } from "../../tool/ports.ts";

/** The names of the secrets that calls of a run were handed, as its journal tells. */
export class HandedSecrets {
  readonly names = new Set<string>();

  see({ kind, body: { payload, decision } }: Entry): void {
    if (
      kind !== "check.boundary" ||
      decision !== "allow" ||
      !isJsonObject(payload) ||
      !isJsonObject(payload.resolution)
    )
      return;
    const { secrets } = payload.resolution;
    for (const one of Array.isArray(secrets) ? (secrets as readonly Json[]) : []) {
      if (isJsonObject(one) && typeof one.name === "string") this.names.add(one.name);
    }
  }
}

/**
 * What a run was handed may lie in its files, and is found there only by who has it. Throws `InputError` where one of them is not there,
 * also where it is optional.
 */
export function mustBeAtHand(handed: ReadonlySet<string>, secrets: Secrets): void {
  const [missing] = [...handed].filter((name) => secrets.value(name) === undefined);
  if (missing === undefined) return;
  throw new InputError({
    code: "no-secret",
    message: `the run was handed \`${missing}\` before, and what it left of it in files could not be hidden without`,
    hint: `give it again, as \`${variableOf(missing)}\` or with \`pinion secret set ${missing}\``,
  });
}
