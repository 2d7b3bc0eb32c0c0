import { compileAssemblyScript } from "./compilers/assemblyscript.ts";
import { compileC } from "./compilers/c.ts";
import type { Kit } from "./compilers/tool.ts";
import { compileTypeScript } from "./compilers/typescript.ts";
import type { Language, Sources } from "./sources.ts";

const COMPILERS: Readonly<Record<Language, (sources: Sources, kit: Kit) => Uint8Array | Promise<Uint8Array>>> = {
  typescript: compileTypeScript,
  assemblyscript: compileAssemblyScript,
  c: compileC,
};

/** Builds the component of world `hook`. Throws `BuildError` with the compiler's own words, or with what to install. */
export async function compile(sources: Sources, kit: Kit): Promise<Uint8Array> {
  return COMPILERS[sources.language](sources, kit);
}
