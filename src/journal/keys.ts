import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError, WorldError } from "../model/errors.ts";
import { type Disk, makeFolder, syncFolder, writeAll } from "./disk.ts";
import { KEY_BYTES } from "./seal.ts";

/** Where the key of a run lives. */
export function runKeyFile(keys: string, run: string): string {
  return join(keys, `${run}.key`);
}

/**
 * Creates the key of a run: 64 hex digits and LF, mode 600, on disk together with its name when this resolves.
 * `key`: 32 bytes of a cryptographic random source. Throws `WorldError`, also when the run has a key already.
 */
export async function createRunKey(disk: Disk, file: string, key: Uint8Array): Promise<void> {
  try {
    await makeFolder(disk, dirname(file));
    const handle = await disk.open(file, "wx", 0o600);
    try {
      await writeAll(handle, Buffer.from(`${Buffer.from(key).toString("hex")}\n`));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(disk, dirname(file));
  } catch (cause) {
    throw new WorldError({
      code: "key-not-written",
      message: `the run key \`${file}\` cannot be written: ${reason(cause)}`,
      cause,
    });
  }
}

/** The key in a file. Undefined when there is no such file; throws `InputError` when it holds something else. */
export function readRunKey(file: string): Uint8Array | undefined {
  let text: string;
  try {
    text = readFileSync(file, "latin1");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new InputError({
      code: "key-not-readable",
      message: `the run key \`${file}\` cannot be read: ${reason(cause)}`,
      cause,
    });
  }
  if (!/^[0-9a-f]{64}\n$/.test(text)) {
    throw new InputError({
      code: "bad-key",
      message: `\`${file}\` is not a run key: expected ${KEY_BYTES * 2} hex digits and a line end`,
    });
  }
  return Buffer.from(text.trimEnd(), "hex");
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
