import type { Json } from "../../model/json.ts";
import { ToolError } from "../../model/tool.ts";
import type { Mask } from "../ports.ts";

/** Errors have causes, and these causes again. */
const CAUSES = 8;

/**
 * What the work gives, without secrets; so are the errors that it throws. What cannot be searched is withheld: throws
 * `ToolError("withheld")` then.
 */
export async function masked<T extends Json>(mask: Mask, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await work();
  } catch (error) {
    throw maskedError(error, mask);
  }
  return orWithhold(() => mask.json(result));
}

/** The same error, with other words where these told a secret. */
export function maskedError(error: unknown, mask: Mask): unknown {
  return orWithhold(() => {
    if (error instanceof ToolError) return new ToolError(error.code, mask.text(error.message));
    let next: unknown = error;
    for (let count = 0; next instanceof Error && count < CAUSES; count++) {
      for (const part of ["message", "stack"] as const) {
        const text = next[part] ?? "";
        const without = mask.text(text);
        if (without !== text) next[part] = without;
      }
      next = next.cause;
    }
    return error;
  });
}

function orWithhold<T>(search: () => T): T {
  try {
    return search();
  } catch {
    throw new ToolError("withheld", "the result is withheld: it could not be searched for secrets");
  }
}
