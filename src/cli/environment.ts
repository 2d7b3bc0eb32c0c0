import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { InputError } from "../model/errors.ts";
import type { Environment } from "../runtime.ts";

/** The machine as this process finds it. Directories by the XDG Base Directory Specification 0.8: relative ones are ignored. */
export function environment({ secretsFd }: SecretsOptions = {}): Environment {
  let passphrase: Promise<string> | undefined;
  return {
    // A descriptor can be read once, and a person should be asked once, however often the run is taken up again.
    passphrase: (file) => {
      passphrase ??= passphraseOf(file, secretsFd);
      return passphrase;
    },
    dataDir: directory("XDG_DATA_HOME", ".local/share"),
    stateDir: directory("XDG_STATE_HOME", ".local/state"),
    cacheDir: directory("XDG_CACHE_HOME", ".cache"),
    configDirs: ["/etc/pinion", directory("XDG_CONFIG_HOME", ".config")],
    env: process.env,
    cwd: process.cwd(),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: (bytes) => randomBytes(bytes),
  };
}

/** What a command takes that may need secrets. */
export interface SecretsOptions {
  /** The file descriptor that the passphrase of the user's secrets can be read from. */
  readonly secretsFd?: number;
}

async function passphraseOf(file: string, secretsFd: number | undefined): Promise<string> {
  const { readPassphrase } = await import("./trust/passphrase.ts");
  try {
    const prompt = `passphrase of ${file}`;
    return Buffer.from(await readPassphrase(secretsFd, { prompt, isNew: false })).toString();
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== "no-terminal") throw error;
    const message = `\`${file}\` has secrets that are needed, and there is no terminal to ask for its passphrase`;
    const hint = "give a file descriptor that it can be read from: `--secrets-fd 3 3< FILE`";
    throw new InputError({ code: "no-passphrase", message, hint, cause: error });
  }
}

function directory(variable: string, below: string): string {
  const set = process.env[variable];
  return join(set !== undefined && isAbsolute(set) ? set : join(homedir(), below), "pinion");
}
