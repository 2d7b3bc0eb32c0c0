import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Seal } from "../../src/journal/seal.ts";
import { canonicalJson, type Digest, digestOf } from "../../src/model/canonical.ts";
import type { Entry, Outcome } from "../../src/model/entry.ts";

/**
 * Rewrites the outcomes of a journal as one could who holds the run key: seals what was changed, and everything behind it again
 * in its new place, chains it anew, and corrects every digest of an earlier entry. Bodies must be small enough to have no blob.
 */
export async function forgeOutcomes(
  journal: string,
  { key, run }: { readonly key: Uint8Array; readonly run: string },
  change: (entry: Entry, outcome: Outcome) => Outcome,
): Promise<void> {
  const seal = new Seal(key, run);
  const [header = "", ...lines] = (await readFile(journal, "utf8")).split("\n").slice(0, -1);
  const renamed = new Map<Digest, Digest>();
  const renaming = (text: string): string => {
    let changed = text;
    for (const [before, after] of renamed) changed = changed.replaceAll(before, after);
    return changed;
  };
  let prev = digestOf(header);
  const forged = lines.map((line) => {
    const entry: Entry = JSON.parse(line);
    const { sealed, commit, ref } = entry.body;
    let changed = { ...entry, prev };
    if (typeof sealed === "string") {
      const content = JSON.parse(seal.open(entry, String(commit), Buffer.from(sealed, "base64")));
      const plaintext = renaming(canonicalJson({ ...content, outcome: change(entry, content.outcome) }));
      const closed = seal.close(changed, plaintext, randomBytes(12));
      changed = {
        ...changed,
        body: { ref: ref ?? {}, commit: closed.commit, sealed: closed.bytes.toString("base64") },
      };
    }
    const text = renaming(canonicalJson(changed));
    renamed.set(digestOf(line), digestOf(text));
    prev = digestOf(text);
    return text;
  });
  await writeFile(journal, [header, ...forged, ""].join("\n"));
}
