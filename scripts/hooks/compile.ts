import { join } from "node:path";
import { compile as compileSources } from "../../src/authoring/compile.ts";
import type { Sources } from "./sources.ts";

/** Builds the component of world `hook` from sources of this repository. Throws with the compiler's own words when they are wrong. */
export function compile(root: string, sources: Sources): Promise<Uint8Array> {
  return compileSources(sources, { root, wit: join(root, "wit"), lookIn: [root] });
}
