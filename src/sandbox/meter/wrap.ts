import { Malformed } from "../wasm/reader.ts";
import { EMPTY, Emitter, OP } from "./emit.ts";
import { Output } from "./output.ts";

/** The largest function that V8 compiles, in bytes. */
const MAX_SIZE = 7_654_321;

export interface Locals {
  /** Number of groups, and where they stand in the source. */
  readonly groups: number;
  readonly from: number;
  readonly to: number;
  /** Parameters and locals of the original. */
  readonly count: number;
}

export interface MeteredBody {
  readonly source: Uint8Array;
  readonly locals: Locals;
  /** Types of the locals that the meter adds. */
  readonly temporaries: readonly number[];
  readonly code: Uint8Array;
  /** Index of the meter's first global. */
  readonly global: number;
  /** The local that holds the counter. */
  readonly fuel: number;
  /** Slots. */
  readonly frame: number;
  /** It calls or checks, so it can be stopped and has a place in the call depth. */
  readonly whole: boolean;
  /** The code charges the local. */
  readonly charged: boolean;
  /** It branches to its own end. */
  readonly returns: boolean;
  /** Instructions that are not charged yet at its end. */
  readonly rest: number;
  /** The one result of the function, if it has one, and the index of a block type if it has several. */
  readonly result: number | undefined;
  readonly blockType: number | undefined;
}

/**
 * Writes a function body around metered code:
 *
 *     take the counter from the global, add the frame to the depth, check
 *     block $stop
 *       block $body … end
 *       give the counter back to the global, less the frame; return
 *     end
 *     give the counter to the global as it is; unreachable
 *
 * What neither calls nor loops needs less: its caller is checked, and its frame ends before the next begins. Throws `Malformed`.
 */
export function writeBody(body: MeteredBody, out: Output): void {
  const before = new Output(64 + body.locals.to - body.locals.from);
  const after = new Output(64);
  const { whole, rest } = body;
  const kept = whole || body.returns || body.charged;

  before.u32(body.locals.groups + body.temporaries.length);
  before.copy(body.source, body.locals.from, body.locals.to);
  for (const type of body.temporaries) before.all(Uint8Array.of(1, type));
  if (kept) enter(body, before);

  const emit = new Emitter(after, body.global);
  emit.fuel = body.fuel;
  if (kept) {
    if (body.returns && rest > 0) {
      emit.charged(rest);
      emit.op(OP.localSet, emit.fuel);
    }
    after.byte(OP.end);
    emit.charged(body.returns ? 0 : rest, whole ? body.frame : 0);
    emit.store();
  } else if (rest > 0) {
    emit.load();
    emit.units(rest);
    after.byte(OP.i64Sub);
    emit.store();
  }
  if (whole) {
    after.byte(OP.return);
    after.byte(OP.end);
    emit.op(OP.localGet, emit.fuel);
    emit.store();
    after.byte(OP.unreachable);
  }
  after.byte(OP.end);

  const size = before.length + body.code.length + after.length;
  if (size > MAX_SIZE) {
    throw new Malformed(`has a function of ${size} bytes when it is metered, allowed ${MAX_SIZE}`);
  }
  out.u32(size);
  out.all(before.view());
  out.all(body.code);
  out.all(after.view());
}

function enter({ whole, frame, global, fuel, result, blockType }: MeteredBody, out: Output): void {
  const emit = new Emitter(out, global);
  emit.fuel = fuel;
  if (whole) {
    out.byte(OP.block);
    out.byte(EMPTY);
  }
  emit.load();
  if (whole) {
    emit.units(0, frame);
    out.byte(OP.i64Add);
    emit.op(OP.localTee, fuel);
    emit.checkAll(0);
  } else emit.op(OP.localSet, fuel);
  out.byte(OP.block);
  if (blockType === undefined) out.byte(result ?? EMPTY);
  else out.signed(blockType);
}
