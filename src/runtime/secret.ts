import { link, mkdir, open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { IntegrityError } from "../model/errors.ts";
import { type Environment, unusable } from "./machine.ts";

const HINTS = {
  "local.key": "remove the file; caches that were authenticated with it are then made again",
  "checkpoint.key":
    "put the right file back; with a new key, checkpoints that were made before need the old public key",
} as const;

/**
 * 32 bytes of this user's own, made at the first use: 64 hex digits and a line end in the state directory, mode 600. The file has
 * its name when it is whole and on disk, so that processes that start at once agree on one. Throws `WorldError` when the folder
 * cannot be used, `IntegrityError` when the file holds something else.
 */
export async function userSecret(env: Environment, name: keyof typeof HINTS): Promise<Uint8Array> {
  const file = join(env.stateDir, name);
  const text = (await read(env, file)) ?? (await make(env, file));
  if (/^[0-9a-f]{64}\n$/.test(text)) return Buffer.from(text.trimEnd(), "hex");
  throw new IntegrityError({
    code: "bad-local-key",
    message: `\`${file}\` is not a key: expected 64 hex digits and a line end, found ${text.length} characters`,
    hint: HINTS[name],
  });
}

async function read(env: Environment, file: string): Promise<string | undefined> {
  return readFile(file, "latin1").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw unusable(env.stateDir, cause);
  });
}

async function make(env: Environment, file: string): Promise<string> {
  const partial = `${file}.${Buffer.from(env.random(8)).toString("hex")}.partial`;
  try {
    await mkdir(env.stateDir, { recursive: true, mode: 0o700 });
    await writeSynced(partial, `${Buffer.from(env.random(32)).toString("hex")}\n`);
    try {
      await link(partial, file);
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause; // another process was quicker
    } finally {
      await unlink(partial);
    }
    const folder = await open(env.stateDir, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
    return await readFile(file, "latin1");
  } catch (cause) {
    throw unusable(env.stateDir, cause);
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
