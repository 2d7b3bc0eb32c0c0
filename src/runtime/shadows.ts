import { shadowFault } from "../blueprint/chain.ts";
import { bindHook, type ManifestFile, parseManifest } from "../blueprint/manifest.ts";
import type { Artifacts } from "../blueprint/origin.ts";
import type { ResolvedBlueprint } from "../blueprint/resolve.ts";
import { InputError } from "../model/errors.ts";
import type { PinnedHook } from "../model/hook.ts";
import { PHASES } from "../model/phase.ts";
import type { ShadowHook } from "../pipeline/shadow.ts";
import type { ShadowPin } from "./spec.ts";

/** Hooks in shadow that one run may have: each has a process of its own. */
export const MOST_SHADOWS = 8;

/**
 * The hooks that run in shadow: those that the blueprint names, in the order of its pins, then the proposals that the person
 * who started the run named. Of a proposal everything comes from the store, by the digest of its manifest. Throws `InputError`
 * for too many, for one that is named twice, and for one whose configuration does not fit.
 */
export async function shadowsOf(
  resolved: Pick<ResolvedBlueprint, "hooks" | "shadow">,
  proposals: readonly ShadowPin[],
  store: Pick<Artifacts, "get">,
): Promise<readonly ShadowHook[]> {
  const pinned = resolved.hooks.flatMap((hook): ShadowHook[] => {
    const phases = PHASES.filter((phase) => resolved.shadow[phase].includes(hook.name));
    return phases.length === 0 ? [] : [{ hook: inShadow(hook), phases }];
  });
  const proposed = await Promise.all(
    proposals.map(async ({ manifest, phases }): Promise<ShadowHook> => {
      const file = parseManifest(await store.get(manifest), `artifact ${manifest}`);
      return { hook: inShadow(bound(file, resolved.hooks)), phases };
    }),
  );
  const all = [...pinned, ...proposed];
  if (all.length > MOST_SHADOWS) {
    throw new InputError({
      code: "too-many-shadows",
      message: `${all.length} hooks are to run in shadow, ${MOST_SHADOWS} may: each has a process of its own`,
      hint: "name fewer proposals with `--shadow`",
    });
  }
  const twice = all.find(({ hook }, at) => all.findIndex((other) => other.hook.digest === hook.digest) < at);
  if (twice !== undefined) {
    const { name, version } = twice.hook;
    throw new InputError({ code: "shadow-twice", message: `\`${name}@${version}\` is to run in shadow twice` });
  }
  return all;
}

/** A candidate for a newer version takes over what the current one is told, if it takes that; else it is told nothing. */
function bound(file: ManifestFile, hooks: readonly PinnedHook[]): PinnedHook {
  const none = { tools: [], files: [] };
  const { name, version } = file.manifest.metadata;
  const current = hooks.find((hook) => hook.name === name);
  for (const value of current === undefined ? [{}] : [current.config, {}]) {
    try {
      return bindHook(file, { value }, none);
    } catch (error) {
      if (!(error instanceof InputError && error.code === "bad-config")) throw error;
    }
  }
  throw new InputError({
    code: "bad-config",
    message: `\`${name}@${version}\` cannot run in shadow without a configuration`,
    hint: "pin it in the blueprint, name it in `spec.hooks.shadow`, and configure it in `spec.hooks.config`",
  });
}

/** The phases that a proposal watches: all those of its manifest where it could be obeyed. */
export function watchedPhases(hook: Parameters<typeof shadowFault>[0]): ShadowPin["phases"] {
  return PHASES.filter((phase) => shadowFault(hook, phase) === undefined);
}

/** Its tier is its own whoever signed it, and it is given nothing. */
function inShadow(hook: PinnedHook): PinnedHook {
  return { ...hook, tier: "proposed", signature: null, signer: null, authority: { tools: [], files: [] } };
}
