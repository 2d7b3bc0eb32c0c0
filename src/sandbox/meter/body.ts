import { type BlockForm, Control } from "./control.ts";
import { Cursor } from "./cursor.ts";
import { Emitter, I32, I64, OP } from "./emit.ts";
import { frameOf } from "./frame.ts";
import {
  BULK,
  EFFECTS,
  FORM,
  FORMS,
  PREFIXED,
  TABLE_GROW,
  VECTOR_BYTES,
  VECTOR_EFFECTS,
  VECTOR_FLOAT,
  VECTOR_MEMORY,
} from "./instructions.ts";
import { absorbs, canonicalFloat, canonicalLanes, F32, F64, floatTypeOf, V128 } from "./nan.ts";
import { Output } from "./output.ts";
import type { Extent, FunctionType, Scope } from "./scope.ts";
import { type Locals, writeBody } from "./wrap.ts";

/** The index by which the meter's globals, which are imported last, move those that a module defines. */
export const MOVED = 3;
/** Instructions that may run between two checks of the fuel on a path without loops. */
const STRAIGHT = 10_000;
/** What a call is taken for on such a path: a function without calls and loops does not check, and is as long as that at most. */
const CALLEE = 1000;
/** 2^13 instructions a page. */
const PAGE_SHIFT = 13;

/**
 * Rewrites the bodies of one module. Instructions are counted as they are walked, and charged where their basic block ends.
 * Calls give the counter to the global before and take it after. Loops check it. INVARIANT: no branch changes its label, since
 * the block that `writeBody` puts around the code stands where the function's own label was; a `return` is a branch to it.
 */
export class BodyMeter {
  readonly #in: Cursor;
  readonly #scope: Scope;
  readonly #blockTypes: ReadonlyMap<number, number>;
  readonly #code = new Output(1 << 16);
  readonly #emit: Emitter;
  readonly #control = new Control();
  /** Up to where the input is in the output. */
  #copied = 0;
  /** Counted and not charged yet. */
  #pending = 0;
  #counted = 0;
  #checked = 0;
  #calls = false;
  #checks = false;
  #charges = 0;
  #wide = false;
  #nextLocal = 0;
  #temporaries = new Map<string, number>();
  #types: number[] = [];

  /** `blockTypes` are the types `[] → results` of function types with several results, by their index. */
  constructor(input: Uint8Array, scope: Scope, blockTypes: ReadonlyMap<number, number>) {
    this.#in = new Cursor(input);
    this.#scope = scope;
    this.#blockTypes = blockTypes;
    this.#emit = new Emitter(this.#code, scope.importedGlobals);
  }

  /** Writes the metered form of the body at `start` (behind its size) of the function with this type. */
  rewrite(start: number, end: number, typeIndex: number, out: Output): void {
    const type = this.#scope.types[typeIndex];
    if (type === undefined) throw new RangeError("a function of no type");
    this.#begin(start, type);
    const locals = this.#locals();
    this.#copied = this.#in.at;
    while (this.#control.depth > 0) this.#instruction();
    if (this.#in.at !== end) throw new RangeError("a body that does not end where it should");
    const { highest: operands } = this.#control;
    writeBody(
      {
        source: this.#in.bytes,
        locals,
        temporaries: this.#types,
        code: this.#code.view(),
        global: this.#scope.importedGlobals,
        fuel: this.#emit.fuel,
        frame: frameOf({ type, locals: locals.count, operands, instructions: this.#counted, wide: this.#wide }),
        whole: this.#calls || this.#checks,
        charged: this.#charges > 0,
        returns: this.#control.returns,
        rest: this.#pending,
        result: type.results[0],
        blockType: this.#blockTypes.get(typeIndex),
      },
      out,
    );
  }

  #begin(start: number, type: FunctionType): void {
    this.#in.at = start;
    this.#code.clear();
    this.#pending = 0;
    this.#counted = 0;
    this.#checked = 0;
    this.#calls = false;
    this.#checks = false;
    this.#charges = 0;
    this.#wide = type.wide;
    this.#temporaries.clear();
    this.#types = [];
    this.#control.reset(type.results.length);
    this.#nextLocal = type.params.length;
  }

  #locals(): Locals {
    const groups = this.#in.u32();
    const from = this.#in.at;
    for (let group = 0; group < groups; group += 1) {
      this.#nextLocal += this.#in.u32();
      if (this.#in.byte() === V128) this.#wide = true;
    }
    const count = this.#nextLocal;
    this.#emit.fuel = this.#temporary("fuel", I64);
    return { groups, from, to: this.#in.at, count };
  }

  #temporary(name: string, type: number): number {
    const known = this.#temporaries.get(name);
    if (known !== undefined) return known;
    const local = this.#nextLocal++;
    this.#temporaries.set(name, local);
    this.#types.push(type);
    return local;
  }

  #instruction(): void {
    const start = this.#in.at;
    if (this.#counted - this.#checked > STRAIGHT) this.#charge(start);
    const code = this.#in.byte();
    const form = FORMS[code] ?? 0;
    // Nothing is left over from dead code for what comes to life behind it.
    if (!isFree(form) && !this.#control.dead) {
      this.#counted += 1;
      this.#pending += 1;
    }
    this.#control.move(EFFECTS[code] ?? 0);
    switch (form) {
      case FORM.plain:
        break;
      case FORM.one:
        this.#in.skip();
        break;
      case FORM.two:
        this.#in.skip();
        this.#in.skip();
        break;
      case FORM.f32:
      case FORM.f64:
        this.#in.at += form === FORM.f32 ? 4 : 8;
        break;
      case FORM.types:
        for (let left = this.#in.u32(); left > 0; left -= 1) this.#in.byte();
        break;
      case FORM.call:
      case FORM.callIndirect:
        this.#call(form, start);
        break;
      case FORM.block:
        this.#open("block", start);
        break;
      case FORM.loop:
        this.#open("loop", start);
        break;
      case FORM.if:
        this.#open("if", start);
        break;
      case FORM.else:
        this.#else(start);
        break;
      case FORM.end:
        this.#end(start);
        break;
      case FORM.branch:
      case FORM.branchIf:
      case FORM.branchTable:
      case FORM.return:
        this.#branch(form, start);
        break;
      case FORM.unreachable:
        this.#trap(start);
        break;
      case FORM.global:
        this.#global(code, start);
        break;
      case FORM.memoryGrow:
        this.#memoryGrow(start);
        break;
      case FORM.float:
        this.#float(code);
        break;
      case FORM.prefixed:
        this.#prefixed(start);
        break;
      case FORM.vector:
        this.#vector();
    }
  }

  #call(form: number, start: number): void {
    const index = this.#in.u32();
    if (form === FORM.callIndirect) {
      this.#in.skip();
      this.#control.move(-1);
    }
    const type = this.#scope.types[form === FORM.call ? (this.#scope.functions[index] ?? -1) : index];
    if (type === undefined) throw new RangeError("a call of no type");
    this.#control.move(-type.params.length);
    this.#control.move(type.results.length);
    if (this.#control.dead) return;
    if (type.wide) this.#wide = true;
    this.#calls = true;
    this.#counted += CALLEE;
    this.#copy(start);
    this.#emit.charged(this.#pending);
    this.#emit.store();
    this.#pending = 0;
    this.#copy(this.#in.at);
    this.#emit.load();
    this.#emit.op(OP.localSet, this.#emit.fuel);
  }

  #open(form: BlockForm, start: number): void {
    const { params, results } = this.#blockArity();
    if (form === "if") this.#control.move(-1);
    if (form !== "block") this.#charge(start);
    this.#control.open(form, params, results, this.#checked);
    if (form !== "loop" || this.#control.dead) return;
    this.#copy(this.#in.at);
    this.#check();
  }

  #else(start: number): void {
    this.#charge(start);
    this.#checked = this.#control.otherwise();
  }

  #end(start: number): void {
    if (this.#control.depth === 1) this.#copy(start);
    else if (this.#control.joins) this.#charge(start);
    this.#checked = this.#control.close() ?? this.#checked;
  }

  #branch(form: number, start: number): void {
    const control = this.#control;
    if (form === FORM.return) control.targetFunction();
    else {
      if (form !== FORM.branch) control.move(-1);
      const labels = form === FORM.branchTable ? this.#in.u32() + 1 : 1;
      for (let n = 0; n < labels; n += 1) control.target(this.#in.u32());
    }
    this.#charge(start);
    if (form === FORM.return) {
      this.#copy(start);
      this.#emit.op(OP.br, control.depth - 1);
      this.#copied = this.#in.at;
    }
    if (form !== FORM.branchIf) this.#die();
  }

  /** A trap that is meant tells exactly what was used. */
  #trap(start: number): void {
    if (!this.#control.dead) {
      this.#copy(start);
      this.#emit.charged(this.#pending);
      this.#emit.store();
      this.#charges += 1;
    }
    this.#die();
  }

  #global(code: number, start: number): void {
    const index = this.#in.u32();
    if (this.#scope.wideGlobals.has(index)) this.#wide = true;
    if (index < this.#scope.importedGlobals) return;
    this.#copy(start);
    this.#emit.op(code, index + MOVED);
    this.#copied = this.#in.at;
  }

  #memoryGrow(start: number): void {
    const index = this.#in.u32();
    if (this.#control.dead) return;
    this.#grow(start, { which: 1, shift: PAGE_SHIFT, extent: this.#scope.memories[index] }, () =>
      this.#emit.op(OP.memorySize, index),
    );
  }

  #grow(
    start: number,
    what: { readonly which: 1 | 2; readonly shift: number; readonly extent: Extent | undefined },
    size: () => void,
  ): void {
    this.#copy(start);
    this.#checks = true;
    this.#emit.grow({
      ...what,
      by: this.#temporary("count", I32),
      got: this.#temporary("got", I32),
      label: this.#control.depth,
      grow: () => this.#copy(this.#in.at),
      size,
    });
  }

  #float(code: number): void {
    const type = floatTypeOf(code);
    const next = this.#in.peek(0);
    const saturates = next === 0xfc && this.#in.peek(1) < 8;
    if (this.#control.dead || saturates || absorbs(type, next)) return;
    this.#copy(this.#in.at);
    canonicalFloat(this.#code, type, this.#temporary(type === F32 ? "f32" : "f64", type === F32 ? F32 : F64));
  }

  #prefixed(start: number): void {
    const code = this.#in.u32();
    const [immediates, effect] = PREFIXED[code] ?? [0, 0];
    const index = immediates > 0 ? this.#in.u32() : 0;
    if (immediates > 1) this.#in.skip();
    this.#control.move(effect);
    if (this.#control.dead) return;
    const shift = BULK[code];
    if (shift !== undefined) {
      const length = this.#temporary("count", I32);
      this.#copy(start);
      this.#emit.op(OP.localTee, length);
      this.#emit.chargeItems(length, shift);
      this.#check();
    } else if (code === TABLE_GROW) {
      this.#grow(start, { which: 2, shift: 0, extent: this.#scope.tables[index] }, () => {
        this.#emit.op(OP.prefixed, 16);
        this.#code.u32(index);
      });
    }
  }

  #vector(): void {
    const code = this.#in.u32();
    this.#wide = true;
    if (VECTOR_MEMORY[code] === 1) {
      this.#in.skip();
      this.#in.skip();
    }
    this.#in.at += VECTOR_BYTES[code] ?? 0;
    this.#control.move(VECTOR_EFFECTS[code] ?? 0);
    const lanes = VECTOR_FLOAT[code] ?? 0;
    if (lanes === 0 || this.#control.dead) return;
    this.#copy(this.#in.at);
    canonicalLanes(this.#code, lanes, this.#temporary("v128", V128));
  }

  #blockArity(): { readonly params: number; readonly results: number } {
    const type = this.#in.blockType();
    if (typeof type === "string") return { params: 0, results: type === "value" ? 1 : 0 };
    const { params, results } = this.#scope.types[type] ?? {};
    return { params: params?.length ?? 0, results: results?.length ?? 0 };
  }

  /** Charges what was counted before the instruction at `start`, which ends a basic block. */
  #charge(start: number): void {
    if (this.#control.dead) return;
    if (this.#pending > 0) {
      this.#copy(start);
      this.#emit.charged(this.#pending);
      this.#emit.op(OP.localSet, this.#emit.fuel);
      this.#pending = 0;
      this.#charges += 1;
    }
    if (this.#counted - this.#checked > STRAIGHT) {
      this.#copy(start);
      this.#check();
    }
  }

  #check(): void {
    this.#emit.check(this.#control.depth);
    this.#checks = true;
    this.#checked = this.#counted;
  }

  #die(): void {
    this.#pending = 0;
    this.#control.die();
  }

  /** Takes the input up to `to` into the output. */
  #copy(to: number): void {
    this.#code.copy(this.#in.bytes, this.#copied, to);
    this.#copied = to;
  }
}

function isFree(form: number): boolean {
  return form === FORM.block || form === FORM.loop || form === FORM.else || form === FORM.end;
}
