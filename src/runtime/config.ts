import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { readAtMost } from "../blueprint/bounded.ts";
import { MAX_BYTES } from "../blueprint/text.ts";
import { loadDocument } from "../blueprint/yaml.ts";
import { InputError } from "../model/errors.ts";
import type { Configuration as ConfigurationFile } from "../model/generated/config.ts";
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
    const bytes = read(file);
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

function read(file: string): Uint8Array | undefined {
  const refuse = (why: string, cause?: unknown): InputError =>
    new InputError({
      code: "config-not-readable",
      message: `the configuration \`${file}\` cannot be read: ${why}`,
      cause,
    });
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw refuse(code ?? message, cause);
  }
  try {
    if (!fstatSync(fd).isFile()) throw refuse("it is no file");
    const bytes = readAtMost(fd, MAX_BYTES);
    if (bytes === undefined) throw refuse(`it has more than ${MAX_BYTES} bytes`);
    return bytes;
  } finally {
    closeSync(fd);
  }
}
