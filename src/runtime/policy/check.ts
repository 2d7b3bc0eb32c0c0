import { resolve as absolute } from "node:path";
import { type Fault, InvalidFileError } from "../../blueprint/fault.ts";
import { reviewPolicy } from "../../capability/review/review.ts";
import { EXIT, type ExitCode, InputError } from "../../model/errors.ts";
import { readConfigFile } from "../config-file.ts";
import type { Environment } from "../machine.ts";
import { knownTools } from "../tools.ts";
import { loadPolicy } from "./document.ts";

/** What `pinion policy check --json` prints. */
export type PolicyCheck =
  | {
      readonly ok: true;
      readonly name: string;
      readonly version: string;
      /** What is allowed and still worth a look. */
      readonly warnings: readonly Fault[];
      readonly exit: ExitCode;
    }
  | { readonly ok: false; readonly faults: readonly Fault[]; readonly exit: ExitCode };

/** Checks one policy file. What is wrong is the answer, not an error. Throws `InputError` when it cannot be read. */
export async function checkPolicy(file: string, env: Environment): Promise<PolicyCheck> {
  const path = absolute(env.cwd, file);
  const bytes = readConfigFile(path);
  if (bytes === undefined) throw new InputError({ code: "no-policy", message: `there is no policy \`${path}\`` });
  try {
    const loaded = loadPolicy(bytes, path);
    const { metadata, spec } = loaded.value;
    const { name, version } = metadata;
    const warnings = loaded.faults(reviewPolicy(spec, knownTools()));
    return { ok: true, name, version, warnings, exit: EXIT.ok };
  } catch (error) {
    if (!(error instanceof InvalidFileError)) throw error;
    return { ok: false, faults: error.faults, exit: error.exit };
  }
}
