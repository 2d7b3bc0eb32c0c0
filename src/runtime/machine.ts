import { existsSync } from "node:fs";
import { mkdir, open, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ArtifactStore, openStore } from "../artifact/store.ts";
import type { ResolveDeps } from "../blueprint/resolve.ts";
import { runKeyFile } from "../journal/keys.ts";
import { BugError, IntegrityError, WorldError } from "../model/errors.ts";
import type { HookHosts, HostLayer } from "../model/hook.ts";
import { createHookHosts, probeLayers } from "../sandbox/hosts.ts";

/** Everything that is taken from the machine, read once by a surface and passed down. */
export interface Environment {
  /** `$XDG_DATA_HOME/pinion`: the artifact store. */
  readonly dataDir: string;
  /** `$XDG_STATE_HOME/pinion`: runs and keys. */
  readonly stateDir: string;
  /** `$XDG_CACHE_HOME/pinion`: whatever can be made again. */
  readonly cacheDir: string;
  /** Environment variables, for the keys of providers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** ms since the epoch. */
  now(): number;
  /** ms from any beginning, never going back, whatever is done to the clock. */
  monotonic(): number;
  /** Cryptographically strong. */
  random(bytes: number): Uint8Array;
}

export const runFolder = (env: Environment, run: string): string => join(env.stateDir, "runs", run);
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
    cacheKey: await localKey(env),
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

/** 32 bytes in `local.key`, mode 600, made at the first use. Two processes that start at once agree on one. */
async function localKey(env: Environment): Promise<Uint8Array> {
  const file = join(env.stateDir, "local.key");
  try {
    await mkdir(env.stateDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(env.stateDir, cause);
  }
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(`${Buffer.from(env.random(32)).toString("hex")}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw unusable(env.stateDir, error);
  }
  const text = await readFile(file, "latin1").catch((cause: unknown) => {
    throw unusable(env.stateDir, cause);
  });
  if (/^[0-9a-f]{64}\n$/.test(text)) return Buffer.from(text.trimEnd(), "hex");
  throw new IntegrityError({
    code: "bad-local-key",
    message: `\`${file}\` is not a key: expected 64 hex digits and a line end, found ${text.length} characters`,
    hint: "remove the file; caches that were authenticated with it are then made again",
  });
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
