import { EXIT, type ExitCode } from "../model/errors.ts";
import { buildHook } from "../runtime/authoring/build.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { jsonLine, visible } from "./visible.ts";

/** `hook build`: size and digest of the component that was built. */
export async function build({ args: [manifest = "."], json, out }: Call<object>): Promise<ExitCode> {
  quietTypeStripping();
  const built = await buildHook(manifest, environment());
  if (json) out.data(jsonLine(built));
  else {
    out.data(visible(`${built.component}  ${built.bytes} bytes\n${built.digest}`));
    out.talk(visible(`the manifest names it now; a blueprint pins the manifest: ${built.manifest}`));
  }
  return EXIT.ok;
}

/** Node calls its own function for stripping types experimental; people who build a hook cannot do anything about that. */
function quietTypeStripping(): void {
  const listeners = process.listeners("warning");
  process.removeAllListeners("warning");
  process.on("warning", (warning) => {
    if (warning.message.includes("stripTypeScriptTypes")) return;
    for (const listener of listeners) listener(warning);
  });
}
