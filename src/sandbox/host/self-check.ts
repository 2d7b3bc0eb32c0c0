import { readdirSync } from "node:fs";
import { engine } from "../wasm/engine.ts";
import { type SelfCheck, WASM_CAPS } from "./wire.ts";

/** What Node's permission model must deny. */
const DENIED = ["fs.read", "fs.write", "child", "worker", "net", "addon", "wasi", "inspector"];

/** Looks from inside at what confines this process. Nothing foreign has run in it by then. */
export function selfCheck(): SelfCheck {
  // Not imported: `node:process` as a module opens the standard streams, and a read of our input would no longer block.
  const { env, permission } = process;
  return {
    permission: DENIED.every((scope) => !permission.has(scope)) && fails(() => readdirSync("/"), "ERR_ACCESS_DENIED"),
    environment: Object.keys(env),
    wasmCaps:
      fails(() => new engine.Memory({ initial: WASM_CAPS.pages + 1 })) &&
      fails(() => new engine.Table({ initial: WASM_CAPS.entries + 1, element: "anyfunc" })),
  };
}

function fails(attempt: () => unknown, code?: string): boolean {
  try {
    attempt();
    return false;
  } catch (error) {
    return code === undefined || (error as NodeJS.ErrnoException).code === code;
  }
}
