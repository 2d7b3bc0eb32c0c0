import { join } from "node:path";
import { compile } from "../../authoring/compile.ts";
import { withDigest } from "../../authoring/digest.ts";
import { replaceFile } from "../../authoring/replace.ts";
import { findSources, type Language } from "../../authoring/sources.ts";
import { loadManifest } from "../../blueprint/manifest.ts";
import { type Digest, digestOf } from "../../model/canonical.ts";
import { type Environment, installation } from "../machine.ts";
import { manifestPath } from "./locate.ts";

/** What `hook build --json` prints. */
export interface HookBuild {
  readonly hook: string;
  readonly language: Language;
  readonly component: string;
  readonly bytes: number;
  /** Of the component: what the manifest names. */
  readonly digest: Digest;
  /** Of the manifest: what a blueprint pins. */
  readonly manifest: Digest;
}

/**
 * Builds the component of a hook from the source beside its manifest, and writes its digest into the manifest. Both files are
 * replaced whole or not at all. Throws `InputError` for what is wrong with the manifest, `BuildError` for what is wrong with the source.
 */
export async function buildHook(given: string, env: Environment): Promise<HookBuild> {
  const file = await loadManifest(manifestPath(env.cwd, given));
  const { root, sources } = findSources(file.folder);
  const pinion = installation();
  const world = /\/trusted-hook@/.test(file.manifest.spec.world) ? "trusted-hook" : "hook";
  const bytes = await compile(sources, { root, world, wit: join(pinion, "wit"), lookIn: [file.folder, pinion] });
  const component = file.manifest.spec.component.file;
  const digest = digestOf(bytes);
  const text = withDigest(file.text, digest);
  await replaceFile(join(file.folder, component), bytes);
  if (text !== file.text) await replaceFile(file.path, text);
  const { name: hook } = file.manifest.metadata;
  return { hook, language: sources.language, component, bytes: bytes.length, digest, manifest: digestOf(text) };
}
