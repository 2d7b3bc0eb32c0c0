import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type ArtifactStore, openStore } from "../artifact/store.ts";
import type { ResolveDeps } from "../blueprint/resolve.ts";
import { runKeyFile } from "../journal/keys.ts";
import { BugError, WorldError } from "../model/errors.ts";
import type { HookHosts, HostLayer } from "../model/hook.ts";
import { createHookHosts, probeLayers } from "../sandbox/hosts.ts";
import { userSecret } from "./secret.ts";

/** Everything that is taken from the machine, read once by a surface and passed down. */
export interface Environment {
  /** `$XDG_DATA_HOME/pinion`: the artifact store. */
  readonly dataDir: string;
  /** `$XDG_STATE_HOME/pinion`: runs and keys. */
  readonly stateDir: string;
  /** `$XDG_CACHE_HOME/pinion`: whatever can be made again. */
  readonly cacheDir: string;
  /** Folders of configuration, the machine's first, then the user's: `/etc/pinion`, `$XDG_CONFIG_HOME/pinion`. */
  readonly configDirs: readonly string[];
  /** Environment variables, for the keys of providers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The passphrase of the user's file of secrets; asked for only when something in it is needed. */
  passphrase?(file: string): Promise<string>;
  /** ms since the epoch. */
  now(): number;
  /** ms from any beginning, never going back, whatever is done to the clock. */
  monotonic(): number;
  /** Cryptographically strong. */
  random(bytes: number): Uint8Array;
}

export const runFolder = (env: Environment, run: string): string => join(env.stateDir, "runs", run);
/** Where processes of a run have what they need only while they run. */
export const temporaryFolder = (env: Environment, run: string): string => join(env.stateDir, "tmp", run);
/** Where the key of a run is kept on this machine. */
export const keyFile = (env: Environment, run: string): string => runKeyFile(keyFolder(env), run);
export const keyFolder = (env: Environment): string => join(env.stateDir, "keys");

/** The artifact store of this user; `fallbacks` are further folders of the same layout that are only read. */
export function storeOf(env: Environment, fallbacks: readonly string[] = []): ArtifactStore {
  return openStore({ root: join(env.dataDir, "store"), fallbacks });
}

export function resolveDeps(artifacts: ArtifactStore): ResolveDeps {
  return { artifacts };
}

/** The folder that `builtin:` sources are looked for in: that of Pinion's own package.json. */
export function installation(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
  }
  throw new BugError({ code: "no-installation", message: "the folder of Pinion's package.json cannot be found" });
}

/** Hook hosts whose component cache is authenticated with a secret of this user. */
export async function hookHosts(
  env: Environment,
  options: { readonly spares: number; readonly onWarning: (text: string) => void },
): Promise<HookHosts> {
  return createHookHosts({
    node: process.execPath,
    cacheDir: env.cacheDir,
    cacheKey: await userSecret(env, "local.key"),
    clock: () => env.monotonic(),
    spares: options.spares,
    restock: false,
    onWarning: options.onWarning,
  });
}

/** What confines hook hosts on this machine; empty when none comes up. */
export function hookHostLayers(): Promise<readonly HostLayer[]> {
  return probeLayers(process.execPath);
}

/** A folder of Pinion's own that cannot be used. */
export function unusable(folder: string, cause: unknown): WorldError {
  const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  return new WorldError({
    code: "folder-unusable",
    message: `the folder \`${folder}\` cannot be used: ${why}`,
    hint: "make it a folder that you may write to, or set XDG_STATE_HOME, XDG_DATA_HOME and XDG_CACHE_HOME",
    cause,
  });
}
