import { hash } from "node:crypto";
import type { Change, FileState } from "../../runtime/changes.ts";

/** What git keeps of a file: its bytes and one of three modes. */
export interface Blob {
  readonly mode: "100644" | "100755" | "120000";
  readonly size: number;
  /** Undefined where they are no longer known, or too many. */
  readonly bytes: Uint8Array | undefined;
}

/** A change as git writes it: of one name, from one blob or none to another or none. */
export interface Delta {
  readonly path: string;
  readonly old: Blob | undefined;
  readonly now: Blob | undefined;
}

/** Bytes of one side of a change, or undefined. */
export type Content = (side: "before" | "after") => Uint8Array | undefined;

/**
 * A change in deltas: none for directories, which git does not keep, and two, deletion and creation, where a file becomes a link
 * or the reverse.
 */
export function deltasOf(change: Change, content: Content): readonly Delta[] {
  const { path } = change;
  const old = blobOf(change.before, () => content("before"));
  const now = blobOf(change.after, () => content("after"));
  if (old !== undefined && now !== undefined && (old.mode === LINK) !== (now.mode === LINK)) {
    return [
      { path, old, now: undefined },
      { path, old: undefined, now },
    ];
  }
  return old === undefined && now === undefined ? [] : [{ path, old, now }];
}

const LINK = "120000";

function blobOf(state: FileState, read: () => Uint8Array | undefined): Blob | undefined {
  switch (state.kind) {
    case "file":
      return { mode: state.executable ? "100755" : "100644", size: state.size, bytes: read() };
    case "link": {
      const bytes = Buffer.from(state.target);
      return { mode: LINK, size: bytes.length, bytes };
    }
    case "nothing":
    case "directory":
    case "other":
      return undefined;
  }
}

/**
 * The lines above the hunks: `diff --git`, modes, and the ids of the blobs. `name` quotes, `digits` is how much of the ids is
 * shown. The ids are left out where bytes are not known.
 */
export function headOf({ path, old, now }: Delta, name: (name: string) => string, digits: number): readonly string[] {
  const lines = [`diff --git ${name(`a/${path}`)} ${name(`b/${path}`)}`];
  if (old === undefined) lines.push(`new file mode ${now?.mode}`);
  else if (now === undefined) lines.push(`deleted file mode ${old.mode}`);
  else if (old.mode !== now.mode) lines.push(`old mode ${old.mode}`, `new mode ${now.mode}`);
  const ids = [idOf(old), idOf(now)];
  if (ids[0] !== ids[1] && ids.every((id) => id !== undefined)) {
    const mode = old !== undefined && old.mode === now?.mode ? ` ${old.mode}` : "";
    lines.push(`index ${ids.map((id) => id.slice(0, digits)).join("..")}${mode}`);
  }
  return lines;
}

/** The two lines that name the texts of the hunks. A name with spaces ends in a tab, so that nobody takes a part of it. */
export function namesOf({ path, old, now }: Delta, name: (name: string) => string): readonly string[] {
  const tab = /\s/.test(path) ? "\t" : "";
  const side = (blob: Blob | undefined, prefix: string) =>
    blob === undefined ? "/dev/null" : `${name(prefix + path)}${tab}`;
  return [`--- ${side(old, "a/")}`, `+++ ${side(now, "b/")}`];
}

/** The id that git gives to a blob; forty zeros for none, undefined for one whose bytes are not known. */
function idOf(blob: Blob | undefined): string | undefined {
  if (blob === undefined) return "0".repeat(40);
  if (blob.bytes === undefined) return undefined;
  return hash("sha1", Buffer.concat([Buffer.from(`blob ${blob.bytes.length}\0`), blob.bytes]), "hex");
}
