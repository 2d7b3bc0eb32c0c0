import { existsSync } from "node:fs";
import { join } from "node:path";
import { createTwoFilesPatch } from "diff";
import { sourceTexts } from "../../authoring/texts.ts";
import { loadManifest, parseManifest } from "../../blueprint/manifest.ts";
import type { Digest } from "../../model/canonical.ts";
import type { Proposal } from "../../trust/proposals/proposal.ts";
import type { ProposalStore } from "../../trust/proposals/store.ts";
import { manifestPath } from "../authoring/locate.ts";
import { type Environment, installation } from "../machine.ts";

/** What a proposal is compared with. */
export interface Current {
  readonly name: string;
  readonly version: string;
  /** Of the manifest and of the component. */
  readonly digest: Digest;
  readonly component: Digest;
  /** Where it comes from: a file, an approved proposal, or Pinion itself. */
  readonly from: string;
  /** The manifest as `hook.yaml`, and the sources, by their paths. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Lines that a patch may add and remove before the two are called wholly different. */
const MOST_EDITS = 5000;

/**
 * The version that a proposal is to follow: the given manifest, else the newest approved proposal of its name, else the hook of its
 * name that ships with Pinion; undefined when there is none. Throws `InputError` for a manifest that cannot be read.
 */
export async function currentOf(
  proposal: Proposal,
  { against, store }: { readonly against: string | undefined; readonly store: ProposalStore },
  env: Environment,
): Promise<Current | undefined> {
  if (against !== undefined) return currentIn(manifestPath(env.cwd, against), against);
  const { name } = proposal.note;
  const approved = (await store.list())
    .flatMap((one) => (one.ok ? [one.proposal] : []))
    .filter(({ id, note, decision }) => id !== proposal.id && note.name === name && decision?.kind === "approved")
    .toSorted((a, b) => (b.decision?.at ?? 0) - (a.decision?.at ?? 0));
  const [newest] = approved;
  if (newest !== undefined) {
    const { version } = newest.note;
    const { manifest: digest, component } = newest.digests;
    return { name, version, digest, component, from: `approved proposal ${newest.id}`, texts: textsOf(newest) };
  }
  const shipped = join(installation(), "hooks", name, "hook.yaml");
  return /^[a-z0-9-]+$/.test(name) && existsSync(shipped) ? currentIn(shipped, `builtin:hooks/${name}`) : undefined;
}

async function currentIn(path: string, from: string): Promise<Current> {
  const { manifest, digest, text, folder } = await loadManifest(path);
  const { name, version } = manifest.metadata;
  const { digest: component } = manifest.spec.component;
  return { name, version, digest, component, from, texts: { "hook.yaml": text, ...sourceTexts(folder) } };
}

/** What a person compares: manifest and sources. */
export function textsOf({ content }: Proposal): Readonly<Record<string, string>> {
  return { "hook.yaml": Buffer.from(content.manifest).toString("utf8"), ...content.sources };
}

/** A unified diff of all texts that differ, by their paths; what was not there before is added as a whole. */
export function diffOf(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return paths
    .filter((path) => before[path] !== after[path])
    .map((path) => patchOf(path, before[path], after[path]))
    .join("");
}

function patchOf(path: string, before: string | undefined, after: string | undefined): string {
  const names = [before === undefined ? "/dev/null" : `a/${path}`, after === undefined ? "/dev/null" : `b/${path}`];
  const [from = "", to = ""] = names;
  const options = { context: 3, maxEditLength: MOST_EDITS };
  const patch = createTwoFilesPatch(from, to, before ?? "", after ?? "", undefined, undefined, options);
  if (patch !== undefined) return patch.replace(/^=+\n/, "");
  // Too different to look for what they share.
  const lines = (text: string, sign: string) => text.split("\n").map((line) => `${sign}${line}\n`);
  return [`--- ${from}\n`, `+++ ${to}\n`, ...lines(before ?? "", "-"), ...lines(after ?? "", "+")].join("");
}

/** What the manifest of a proposal says. */
export function manifestOf({ content, id }: Proposal) {
  return parseManifest(content.manifest, `proposal ${id}`).manifest;
}
