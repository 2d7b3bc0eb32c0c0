import { Malformed } from "../wasm/reader.ts";
import type { FunctionType } from "./scope.ts";

/** The largest frame of one function, in slots. */
const MAX_FRAME = 30_000;
/** Slots of a frame besides its locals and operands, and the temporaries of the meter. */
const FRAME = 16;

export interface Frame {
  readonly type: FunctionType;
  /** Parameters and locals of the function. */
  readonly locals: number;
  /** The most that are on its stack at once. */
  readonly operands: number;
  /** Vectors come up in it. */
  readonly wide: boolean;
}

/**
 * What a call of a function takes of the stack in code that is not optimised, in slots of 8 bytes. Parameters and results lie
 * between the frames, and in them once more. Throws `Malformed` for a frame that no limit would ever allow.
 */
export function frameOf({ type, locals, operands, wide }: Frame): number {
  const weight = wide ? 2 : 1;
  const frame = FRAME + weight * (locals + operands + type.params.length + type.results.length);
  if (frame > MAX_FRAME) throw new Malformed(`has a function with a frame of ${frame} slots, allowed ${MAX_FRAME}`);
  return frame;
}
