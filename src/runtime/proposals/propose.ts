import { sourceTexts } from "../../authoring/texts.ts";
import { checkComponent, loadManifest, readComponent } from "../../blueprint/manifest.ts";
import { InputError } from "../../model/errors.ts";
import { inspectComponent } from "../../sandbox/inspection.ts";
import type { ProposalDigests } from "../../trust/proposals/proposal.ts";
import { manifestPath } from "../authoring/locate.ts";
import type { Environment } from "../machine.ts";
import { proposalsOf } from "./store.ts";

/** What `hook propose --json` prints. */
export interface Proposed {
  readonly proposal: string;
  readonly name: string;
  readonly version: string;
  /** False when the same was proposed before. */
  readonly isNew: boolean;
  readonly digests: ProposalDigests;
}

/**
 * Keeps the hook in a folder as a proposal of a person: its manifest, its component, and the sources beside them. Nothing of it runs.
 * Throws `InputError` for what cannot be read or is no hook, `IntegrityError` for a component that is not the manifest's.
 */
export async function proposeHook(
  { given, reason, user }: { readonly given: string; readonly reason: string; readonly user: string },
  env: Environment,
): Promise<Proposed> {
  const file = await loadManifest(manifestPath(env.cwd, given));
  const component = await readComponent(file);
  checkComponent(file, component);
  const { name, version } = file.manifest.metadata;
  const inspected = await inspectComponent(process.execPath, component, new AbortController().signal);
  if (!inspected.ok) {
    throw new InputError({ code: "bad-component", message: `\`${name}\` cannot be a hook: ${inspected.detail}` });
  }
  const content = { manifest: Buffer.from(file.text), component, sources: sourceTexts(file.folder) };
  const store = proposalsOf(env);
  const note = { name, version, by: { kind: "person", user }, reason, at: env.now() } as const;
  const { id, isNew } = await store.add(content, note);
  const { digests } = await store.get(id);
  return { proposal: id, name, version, isNew, digests };
}
