import { PinionError, WorldError } from "../../model/errors.ts";

/**
 * Does something with a layer or a workspace; what the system or the driver refuses becomes a `WorldError` that says what
 * stopped. What is wrong in Pinion itself stays as it is.
 */
export async function orTrouble<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw trouble(what, error);
  }
}

export function trouble(what: string, error: unknown): unknown {
  const known = error instanceof Error && "code" in error && typeof error.code === "string";
  if (error instanceof PinionError || !known) return error;
  return new WorldError({
    code: "changes-stopped",
    message: `${what} stopped: ${error.message}`,
    hint: "what was done until then is done and kept; look at the disk and at who may write there, then do it again",
    cause: error,
  });
}
