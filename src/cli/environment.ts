import { randomBytes } from "node:crypto";
import { homedir, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import type { Environment } from "../runtime.ts";

/** The machine as this process finds it. Directories by the XDG Base Directory Specification 0.8: relative ones are ignored. */
export function environment(): Environment {
  return {
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

/** Who decides: the name of this user, or the number where the system knows no name. */
export function user(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown"); // ERR_SYSTEM_ERROR: no entry in the password file
  }
}

function directory(variable: string, below: string): string {
  const set = process.env[variable];
  return join(set !== undefined && isAbsolute(set) ? set : join(homedir(), below), "pinion");
}
