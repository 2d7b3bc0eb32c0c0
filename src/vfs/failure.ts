import { PinionError } from "../model/errors.ts";
import { ToolError } from "../model/tool.ts";

const MEANINGS: Readonly<Record<string, readonly [code: string, meaning: string]>> = {
  ENOENT: ["not-found", "there is no such file or directory"],
  ENOTDIR: ["not-a-directory", "a part of the path is not a directory"],
  EISDIR: ["is-a-directory", "it is a directory"],
  ELOOP: ["link", "it is a link, and links are not followed"],
  EEXIST: ["exists", "it exists already"],
  ENOTEMPTY: ["not-empty", "the directory is not empty"],
  EACCES: ["no-access", "the system denies access"],
  EPERM: ["no-access", "the system denies access"],
  EROFS: ["no-access", "the file system is read-only"],
  ENOSPC: ["no-space", "the disk is full"],
  EDQUOT: ["no-space", "the disk quota is used up"],
  EFBIG: ["too-large", "the file would be too large"],
  ENXIO: ["special-file", "it is not a regular file"],
  EMFILE: ["busy", "too many files are open"],
  ENFILE: ["busy", "too many files are open"],
  EINVAL: ["refused", "the system refuses the operation, such as moving a directory into itself"],
};

export function failure(code: string, path: string, meaning: string): ToolError {
  return new ToolError(code, `\`${path}\`: ${meaning}`);
}

/** Turns a system error into one without host paths; what is one of ours already or no system error stays as it is. */
export function fromSystem(error: unknown, path: string): unknown {
  if (error instanceof ToolError || error instanceof PinionError) return error;
  if (!(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  const known = MEANINGS[code];
  if (known !== undefined) return failure(known[0], path, known[1]);
  return failure("io", path, `the system answered ${code}; look at the disk and try again`);
}

export function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fromSystem(error, path);
  }
}
