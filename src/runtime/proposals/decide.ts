import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { resolve as absolute, join, relative } from "node:path";
import type { Digest } from "../../model/canonical.ts";
import { BugError, InputError } from "../../model/errors.ts";
import type { Environment } from "../machine.ts";
import { manifestOf } from "./compare.ts";
import { proposalsOf } from "./store.ts";

/** A signature over the hook of a manifest file, and the key that made it. */
export interface Signed {
  /** Of the manifest that was signed. */
  readonly digest: Digest;
  readonly signature: Digest;
  readonly key: string;
}

export interface Approval {
  readonly id: string;
  /** A folder that is not there yet, or is empty. */
  readonly out: string;
  readonly by: string;
  /** Signs the hook of this manifest, and puts the signature beside it. */
  sign(manifest: string): Promise<Signed>;
}

/** What `hook proposals approve --json` prints: the pin, and where the files are. */
export interface Approved {
  readonly proposal: string;
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
  readonly signature: Digest;
  /** The manifest, relative to the current folder. */
  readonly source: string;
  readonly key: string;
}

/** Throws what `approveProposal` would throw before anything is signed. */
export async function checkApproval({ id, out }: Pick<Approval, "id" | "out">, env: Environment): Promise<void> {
  manifestOf(await proposalsOf(env).pending(id));
  const path = absolute(env.cwd, out);
  if (existsSync(path)) await mustBeEmpty(path);
}

/**
 * Approves exactly the bytes of a pending proposal: writes its manifest and its component into a folder, and signs them there.
 * Throws `InputError` when there is no such proposal, it was decided already, or the folder is in use; `IntegrityError` when its files were changed.
 */
export async function approveProposal({ id, out, by, sign }: Approval, env: Environment): Promise<Approved> {
  const store = proposalsOf(env);
  const proposal = await store.pending(id);
  const { metadata, spec } = manifestOf(proposal);
  const folder = await emptyFolder(absolute(env.cwd, out));
  await writeFile(join(folder, spec.component.file), proposal.content.component, { flag: "wx" });
  await writeFile(join(folder, "hook.yaml"), proposal.content.manifest, { flag: "wx" });
  const { digest, signature, key } = await sign(join(folder, "hook.yaml"));
  if (digest !== proposal.digests.manifest) {
    throw new BugError({
      code: "signed-other",
      message: `\`${digest}\` was signed, not \`${proposal.digests.manifest}\``,
    });
  }
  await store.decide(id, { kind: "approved", by, at: env.now(), key, signature });
  const { name, version } = metadata;
  const source = relative(env.cwd, join(folder, "hook.yaml"));
  return { proposal: id, folder, name, version, digest, signature, source, key };
}

/** Keeps that a proposal is not wanted, and why. Throws like `approveProposal`. */
export async function rejectProposal(
  { id, reason, by }: { readonly id: string; readonly reason: string; readonly by: string },
  env: Environment,
): Promise<{ readonly proposal: string; readonly reason: string }> {
  await proposalsOf(env).decide(id, { kind: "rejected", by, reason, at: env.now() });
  return { proposal: id, reason };
}

async function emptyFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  await mustBeEmpty(path);
  return path;
}

async function mustBeEmpty(path: string): Promise<void> {
  if ((await readdir(path)).length === 0) return;
  throw new InputError({
    code: "folder-in-use",
    message: `\`${path}\` is not empty: expected a folder for the approved hook alone`,
    hint: "name another with `--out`",
  });
}
