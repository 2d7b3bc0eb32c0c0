import { below, dotted, type Finding, InvalidFileError } from "../../blueprint/fault.ts";
import { type LoadedDocument, loadDocument } from "../../blueprint/yaml.ts";
import type { PolicyBundle } from "../../capability/layer.ts";
import { parseCapability } from "../../capability/lease/uri.ts";
import { InputError } from "../../model/errors.ts";

/** Reads a policy bundle. Throws `InvalidFileError` with every fault, those of the capabilities that it names among them. */
export function loadPolicy(bytes: Uint8Array, file: string): LoadedDocument<PolicyBundle> {
  const loaded = loadDocument<PolicyBundle>(bytes, { file, schema: "policy" });
  const findings = capabilityFindings(loaded.value.spec.leases);
  if (findings.length > 0) throw new InvalidFileError(loaded.faults(findings));
  return loaded;
}

/** What is no capability in the `spec.leases` of a policy or a blueprint. */
export function capabilityFindings(
  leases: Partial<Pick<PolicyBundle["spec"]["leases"], "grant" | "request" | "mint">>,
): readonly Finding[] {
  return (["grant", "request", "mint"] as const).flatMap((field) =>
    (leases[field] ?? []).flatMap((text, index) => findingOf(text, below(`/spec/leases/${field}`, index))),
  );
}

function findingOf(text: string, pointer: string): readonly Finding[] {
  try {
    parseCapability(text, dotted(pointer));
    return [];
  } catch (error) {
    if (error instanceof InputError) return [{ pointer, message: error.message }];
    throw error;
  }
}
