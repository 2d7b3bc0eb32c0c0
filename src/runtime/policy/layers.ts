import { existsSync } from "node:fs";
import { resolve as absolute, join } from "node:path";
import { MAX_BYTES } from "../../blueprint/text.ts";
import { type Layer, type PolicyKind, policyLayer } from "../../capability/layer.ts";
import { InputError } from "../../model/errors.ts";
import { readConfigFile } from "../config-file.ts";
import { readGuardedFile } from "../guarded.ts";
import type { Environment } from "../machine.ts";
import { loadPolicy } from "./document.ts";

const FILE = "policy.yaml";
/** What whoever wrote it means by a policy, and what nobody reads. */
const MISNAMED = ["policy.yml", "policy.json"];

/**
 * The policies of machine and user: `policy.yaml` in the folders of configuration, the machine's first. One that is not there
 * says nothing; one that is there under another name would say nothing either, and is refused. Throws `InputError` for one that cannot be read, `IntegrityError` for one that others may change, `InvalidFileError` with every fault.
 * Nothing begins then: what a policy would have denied is not known.
 */
export async function machineLayers({ configDirs }: Pick<Environment, "configDirs">): Promise<readonly Layer[]> {
  const layers: Layer[] = [];
  for (const [index, folder] of configDirs.entries()) {
    const file = join(folder, FILE);
    refuseMisnamed(folder);
    const bytes = readGuardedFile(file, { what: "the policy", limit: MAX_BYTES });
    if (bytes !== undefined) layers.push(layerOf(bytes, file, index === 0 ? "machine policy" : "user policy"));
  }
  return layers;
}

function refuseMisnamed(folder: string): void {
  const found = MISNAMED.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) return;
  throw new InputError({
    code: "misnamed-policy",
    message: `\`${found}\` would bind nobody: a policy of machine or user is called \`${FILE}\``,
    hint: `rename it to \`${FILE}\`, or move it away`,
  });
}

/** A policy that somebody gives to one run. Throws as `machineLayers` does, and when there is no such file. */
export async function runLayer(file: string): Promise<Layer> {
  const bytes = readConfigFile(file);
  if (bytes !== undefined) return layerOf(bytes, file, "run policy");
  throw new InputError({
    code: "no-policy",
    message: `there is no policy \`${file}\``,
    hint: "give a file with `kind: PolicyBundle`; `pinion policy check` says what is wrong with one",
  });
}

/** The layers around a run that somebody starts: those of machine and user, and the policy that is given for it. */
export async function aroundRun(
  { policy }: { readonly policy?: string | undefined },
  env: Pick<Environment, "configDirs" | "cwd">,
): Promise<readonly Layer[]> {
  const own = policy === undefined ? [] : [await runLayer(absolute(env.cwd, policy))];
  return [...(await machineLayers(env)), ...own];
}

function layerOf(bytes: Uint8Array, file: string, kind: PolicyKind): Layer {
  return policyLayer(loadPolicy(bytes, file).value, kind);
}
