import { join } from "node:path";
import { loadDocument } from "../blueprint/yaml.ts";
import type { Configuration as ConfigurationFile } from "../model/generated/config.ts";
import { readConfigFile } from "./config-file.ts";
import type { Environment } from "./machine.ts";

/** What machine and user say together. */
export interface Configuration {
  readonly checkpoints: { readonly every: number; readonly to: readonly string[] };
  readonly trust: {
    /** Whether keys of the user's keyring count; the machine says so. */
    readonly userKeys: boolean;
  };
}

const EVERY = 256;

/**
 * Reads `config.yaml` in the folders of configuration; one that is not there says nothing. The user's adds places to the
 * machine's and takes none away, and may ask for checkpoints more often, not more seldom. Throws `InvalidFileError` with every
 * fault of a file and `InputError` for one that cannot be read.
 */
export async function configuration(env: Pick<Environment, "configDirs">): Promise<Configuration> {
  return readConfiguration(env);
}

/** The same at once. */
export function readConfiguration({ configDirs }: Pick<Environment, "configDirs">): Configuration {
  const files: ConfigurationFile[] = [];
  for (const folder of configDirs) {
    const file = join(folder, "config.yaml");
    const bytes = readConfigFile(file);
    if (bytes !== undefined) files.push(loadDocument<ConfigurationFile>(bytes, { file, schema: "config" }).value);
  }
  const asked = files.map(({ journal }) => journal.checkpoints);
  const every = Math.min(...asked.flatMap((one) => one.every ?? []));
  return {
    checkpoints: {
      every: Number.isFinite(every) ? every : EVERY,
      to: [...new Set(asked.flatMap(({ to }) => to))],
    },
    trust: { userKeys: files.every(({ trust }) => trust.userKeys) },
  };
}
