import { Malformed } from "../wasm/reader.ts";
import type { FunctionType } from "./scope.ts";

/** The largest frame of one function, in slots. */
const MAX_FRAME = 40_000;
/**
 * Optimised code may keep any number of values alive across a call, as many as there are instructions at most. A part of them
 * is charged, and the stack is so many times larger than the depth limit.
 */
export const OPTIMISED = 64;
/** Slots of a frame besides its locals and operands, and the temporaries of the meter. */
const FRAME = 16;

export interface Frame {
  readonly type: FunctionType;
  /** Parameters and locals of the function. */
  readonly locals: number;
  /** The most that are on its stack at once. */
  readonly operands: number;
  /** Instructions in it. */
  readonly instructions: number;
  /** Vectors come up in it. */
  readonly wide: boolean;
}

/**
 * What a call of a function takes of the stack, in slots of 8 bytes: in code that is not optimised, all of it. Parameters and results lie
 * between the frames, and in them once more. Throws `Malformed` for a frame that no limit would ever allow.
 */
export function frameOf({ type, locals, operands, instructions, wide }: Frame): number {
  const weight = wide ? 2 : 1;
  const kept = Math.ceil(instructions / OPTIMISED);
  const frame = FRAME + weight * (locals + operands + type.params.length + type.results.length + kept);
  if (frame > MAX_FRAME) throw new Malformed(`has a function with a frame of ${frame} slots, allowed ${MAX_FRAME}`);
  return frame;
}
