import { shadowFault } from "../../blueprint/chain.ts";
import { parseManifest } from "../../blueprint/manifest.ts";
import type { ResolvedBlueprint } from "../../blueprint/resolve.ts";
import { InputError } from "../../model/errors.ts";
import { type Environment, storeOf } from "../machine.ts";
import { shadowsOf, watchedPhases } from "../shadows.ts";
import type { ShadowPin } from "../spec.ts";
import { proposalsOf } from "./store.ts";

/**
 * What the header of a run says of the proposals that are to run in its shadow; their bytes are in the artifact store then, where
 * a replay finds them. Throws `InputError` for one that is not there, was rejected, or cannot be used beside this blueprint, and
 * `IntegrityError` for one whose files were changed.
 */
export async function shadowPins(
  ids: readonly string[],
  resolved: Pick<ResolvedBlueprint, "hooks" | "shadow">,
  env: Environment,
): Promise<readonly ShadowPin[]> {
  const proposals = proposalsOf(env);
  const store = storeOf(env);
  const pins: ShadowPin[] = [];
  for (const id of ids) {
    const { content, decision } = await proposals.get(id);
    if (decision?.kind === "rejected") throw rejected(id, decision.reason);
    const { digest: manifest, manifest: file } = parseManifest(content.manifest, `proposal ${id}`);
    const { name, version } = file.metadata;
    const phases = watchedPhases(file.spec);
    if (phases.length === 0) throw nowhere(id, shadowFault(file.spec, file.spec.phases[0] ?? "audit"));
    await store.put(content.manifest);
    await store.put(content.component);
    pins.push({ name, version, manifest, phases });
  }
  await shadowsOf(resolved, pins, store);
  return pins;
}

function nowhere(id: string, why: string | undefined): InputError {
  return new InputError({ code: "no-shadow", message: `proposal \`${id}\` can be in shadow nowhere: ${why}` });
}

function rejected(id: string, reason: string): InputError {
  return new InputError({
    code: "proposal-rejected",
    message: `proposal \`${id}\` was rejected: ${reason}`,
    hint: "other bytes are another proposal: `hook propose FOLDER`",
  });
}
