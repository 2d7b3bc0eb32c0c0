import { type Digest, digestOf } from "../model/canonical.ts";
import { PinionError } from "../model/errors.ts";
import { type Folders, folderOf, locate, type Place, pathOf, readContained } from "./source.ts";

/** What this room needs of the artifact store. */
export interface Artifacts {
  put(bytes: Uint8Array): Promise<Digest>;
  has(digest: Digest): Promise<boolean>;
  /** Rejects with the code `artifact-missing` when there is no such artifact. */
  get(digest: Digest): Promise<Uint8Array>;
}

export type Fetched =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array; readonly file: string }
  | { readonly kind: "missing"; readonly reason: string }
  | { readonly kind: "changed"; readonly file: string; readonly found: Digest };

/** Where pinned bytes come from. What is fetched has the digest that was asked for, and is in the store. */
export interface Origin {
  /** The store alone: components are then looked for (and hashed) when they are used, so that a lost one fails its hook only. */
  readonly storeOnly: boolean;
  fetch(source: string, digest: Digest): Promise<Fetched>;
  /** For sources that the file named by `source` gives: they are relative to its folder. */
  beside(source: string): Origin;
}

/**
 * Files of a checkout. A file that is there must be the pinned one, even when the store has the pinned bytes: otherwise
 * an edit would silently have no effect. A file that is not there may come from the store.
 */
export function checkoutOrigin(folders: Folders, artifacts: Artifacts): Origin {
  return originOf(folders, { artifacts, fetched: new Map() });
}

interface Shared {
  readonly artifacts: Artifacts;
  /** What was fetched already, by path and digest: a parent and its children pin the same hooks. */
  readonly fetched: Map<string, Fetched>;
}

function originOf(folders: Folders, shared: Shared): Origin {
  const { artifacts, fetched } = shared;
  return {
    storeOnly: false,
    async fetch(source, digest) {
      const place = locate(source, folders);
      if ("kind" in place) return { kind: "missing", reason: place.reason };
      const key = `${pathOf(place)}\0${digest}`;
      const answer = fetched.get(key) ?? (await fetchFile(place, digest, artifacts));
      fetched.set(key, answer);
      return answer;
    },
    beside(source) {
      const place = locate(source, folders);
      return "kind" in place ? this : originOf({ ...folders, own: folderOf(place) }, shared);
    },
  };
}

/** The store alone: how a replay finds everything, without any checkout. */
export function storeOrigin(artifacts: Artifacts): Origin {
  return {
    storeOnly: true,
    fetch: (_source, digest) => fetchStored(artifacts, digest),
    beside() {
      return this;
    },
  };
}

async function fetchFile(place: Place, digest: Digest, artifacts: Artifacts): Promise<Fetched> {
  const read = await readContained(place);
  if (read.kind === "refused") return { kind: "missing", reason: read.reason };
  if (read.kind === "absent") {
    const stored = await fetchStored(artifacts, digest);
    return stored.kind === "bytes" ? stored : { kind: "missing", reason: `${read.reason}, and ${stored.reason}` };
  }
  const found = digestOf(read.bytes);
  if (found !== digest) return { kind: "changed", file: read.file, found };
  // What the store has already is hashed when it is read for use.
  if (!(await artifacts.has(digest))) await artifacts.put(read.bytes);
  return read;
}

async function fetchStored(
  artifacts: Artifacts,
  digest: Digest,
): Promise<Extract<Fetched, { readonly kind: "bytes" | "missing" }>> {
  try {
    return { kind: "bytes", bytes: await artifacts.get(digest), file: `artifact ${digest}` };
  } catch (error) {
    if (!(error instanceof PinionError && error.code === "artifact-missing")) throw error;
    return { kind: "missing", reason: `the store has no artifact \`${digest}\`` };
  }
}
