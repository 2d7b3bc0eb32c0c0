import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError } from "../fault.ts";
import type { Kit } from "./tool.ts";

/** Wraps a core module that implements the canonical ABI of its world into a component. */
export async function asComponent(
  core: Uint8Array,
  { wit, world = "hook" }: Pick<Kit, "wit" | "world">,
  stringEncoding: "utf8" | "utf16",
): Promise<Uint8Array> {
  const { componentEmbed, componentNew } = await import("@bytecodealliance/jco-transpile/wasm-tools");
  const witSource = readFileSync(join(wit, "hook.wit"), "utf8");
  try {
    return await componentNew(await componentEmbed({ binary: core, witSource, world, stringEncoding }));
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new BuildError(`it compiles, but is no \`pinion:hook/${world}@1.0.0\`: ${said}`);
  }
}
