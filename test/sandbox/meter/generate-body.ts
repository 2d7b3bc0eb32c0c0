import { signed, sized, unsigned, vector } from "./bytes.ts";
import { referenceStep } from "./generate-references.ts";
import { OPERATIONS, type Operation, TYPE_CODES, type ValueType } from "./opcodes.ts";
import { constant, type FunctionType, NUMBERS, type Plan, randomType, typeIndex } from "./plan.ts";
import type { Random } from "./random.ts";

const DEEPEST = 8;
const MEMORY_MASK = 0x3ff;

interface Label {
  readonly kind: "function" | "block" | "loop" | "if";
  readonly type: FunctionType;
  readonly height: number;
  unreachable: boolean;
}

/** A value on the stack; undefined is one of no known type, as dead code has them. */
type Slot = ValueType | undefined;

/** One function body with random instructions, which keeps the types of the stack as validation does. */
export function generateBody(plan: Plan, random: Random, type: FunctionType, size: number): number[] {
  const locals = random.list(5, () => randomType(random));
  const body = new BodyWriter(plan, random, type, locals);
  const declared = locals.map((local) => [1, TYPE_CODES[local]]);
  return sized([...vector(declared), ...body.write(size)]);
}

export class BodyWriter {
  readonly plan: Plan;
  readonly random: Random;
  readonly #type: FunctionType;
  readonly #locals: readonly ValueType[];
  readonly #stack: Slot[] = [];
  readonly #labels: Label[] = [];
  #code: number[] = [];
  /** Instructions that may still be begun. */
  #left = 0;

  constructor(plan: Plan, random: Random, type: FunctionType, locals: readonly ValueType[]) {
    this.plan = plan;
    this.random = random;
    this.#type = type;
    this.#locals = [...type.params, ...locals];
  }

  write(size: number): number[] {
    this.#left = size;
    this.#labels.push({
      kind: "function",
      type: { params: [], results: this.#type.results },
      height: 0,
      unreachable: false,
    });
    this.#guard();
    while (this.#left > 0) this.#step();
    this.#finish();
    this.emit(0x0b);
    return this.#code;
  }

  emit(...bytes: readonly number[]): void {
    this.#code.push(...bytes);
  }

  push(...slots: readonly Slot[]): void {
    this.#stack.push(...slots);
  }

  /** Takes values of these types off the stack: as many of the first as are there already, the others are made. */
  operands(...types: readonly ValueType[]): void {
    const { height } = this.#label();
    let ready = this.random.chance(25) ? 0 : types.length;
    while (!this.#matches(types.slice(0, ready))) ready -= 1;
    for (const type of types.slice(ready)) this.value(type);
    this.#stack.length = Math.max(height, this.#stack.length - types.length);
  }

  /** Pushes a value of this type. */
  value(type: ValueType): void {
    const { random, plan } = this;
    const locals = indices(this.#locals, (local) => local === type);
    const globals = indices(plan.globals, (global) => global.type === type);
    if (locals.length > 0 && random.chance(60)) this.emit(0x20, ...unsigned(random.pick(locals)));
    else if (globals.length > 0 && random.chance(30)) this.emit(0x23, ...unsigned(random.pick(globals)));
    else if (type === "funcref" && random.chance(60)) this.emit(0xd2, ...unsigned(random.below(plan.functions.length)));
    else this.emit(...constant(random, type));
    this.push(type);
  }

  /** Pushes a constant i32 below `limit`, now and then any i32. */
  small(limit: number): void {
    const value = this.random.chance(2) ? this.random.bits() | 0 : this.random.below(Math.max(1, limit));
    this.emit(0x41, ...signed(value));
    this.push("i32");
  }

  /** Takes what `small` and `value` pushed last. */
  drop(count: number): void {
    this.#stack.length -= count;
  }

  #label(): Label {
    return this.#labels.at(-1) as Label;
  }

  #matches(types: readonly ValueType[]): boolean {
    const { height, unreachable } = this.#label();
    return types.every((type, index) => {
      const at = this.#stack.length - types.length + index;
      if (at < height) return unreachable;
      return this.#stack[at] === type || this.#stack[at] === undefined;
    });
  }

  #dead(): void {
    const label = this.#label();
    label.unreachable = true;
    this.#stack.length = label.height;
    // Dead code is worth having, but not to the end of every block.
    if (this.random.chance(60)) this.#left -= 3;
  }

  #step(): void {
    this.#left -= 1;
    const roll = this.random.below(100);
    if (roll < 34) this.#operation();
    else if (roll < 50) this.#variable();
    else if (roll < 64) this.#block();
    else if (roll < 72) this.#branch();
    else if (roll < 82) this.#call();
    else if (roll < 88) this.#choice();
    else if (roll < 91) this.#drop();
    else if (roll < 92) this.emit(0x01);
    else referenceStep(this);
  }

  #operation(): void {
    const { random } = this;
    const operation = random.chance(65) ? random.pick(SCALAR) : random.pick(OPERATIONS);
    if (operation.align !== undefined && !this.plan.memory) return;
    const { takes, gives, lanes, align } = operation;
    if (align !== undefined) this.#address(takes);
    else if (operation.traps === "conversion" && random.chance(95)) this.#convertible(takes);
    else this.operands(...takes);
    if (operation.traps === "division" && random.chance(96)) {
      // The divisor is on top: an odd one is never zero.
      this.emit(...(takes[0] === "i32" ? [0x41, 1, 0x72] : [0x42, 1, 0x84]));
    }
    this.emit(...operation.code);
    if (align !== undefined)
      this.emit(random.below(align + 1), ...unsigned(random.chance(95) ? random.below(64) : random.bits()));
    if (lanes !== undefined) this.emit(random.below(lanes));
    this.push(...gives);
    if (random.chance(3)) this.#shuffle();
  }

  #shuffle(): void {
    this.operands("v128", "v128");
    this.emit(0xfd, 0x0d, ...Array.from({ length: 16 }, () => this.random.below(32)));
    this.push("v128");
  }

  /** An address that is in bounds, mostly, and what is stored there. */
  #address([, ...stored]: readonly ValueType[]): void {
    this.operands("i32");
    if (this.random.chance(97)) this.emit(0x41, ...signed(MEMORY_MASK), 0x71);
    this.push("i32");
    for (const type of stored) this.value(type);
    this.drop(1 + stored.length);
  }

  /** A float that fits every integer. */
  #convertible([type]: readonly ValueType[]): void {
    this.emit(0x41, ...signed(this.random.below(100)), type === "f32" ? 0xb2 : 0xb7);
  }

  #variable(): void {
    const { random, plan } = this;
    const globals = indices(plan.globals, ({ mutable }, index) => mutable && index !== plan.budget);
    if (globals.length > 0 && random.chance(30)) {
      const index = random.pick(globals);
      this.operands(plan.globals[index]?.type ?? "i32");
      this.emit(0x24, ...unsigned(index));
    } else if (this.#locals.length > 0 && random.chance(70)) {
      const index = random.below(this.#locals.length);
      const type = this.#locals[index] ?? "i32";
      this.operands(type);
      const tee = random.chance(40);
      this.emit(tee ? 0x22 : 0x21, ...unsigned(index));
      if (tee) this.push(type);
    } else this.value(randomType(random));
  }

  #block(): void {
    const { random } = this;
    if (this.#labels.length > DEEPEST) return;
    const kind = random.pick(["block", "loop", "if"] as const);
    const type = this.#blockType();
    this.operands(...type.params, ...(kind === "if" ? (["i32"] as const) : []));
    this.emit({ block: 0x02, loop: 0x03, if: 0x04 }[kind], ...this.#encoded(type));
    const label: Label = { kind, type, height: this.#stack.length, unreachable: false };
    this.#labels.push(label);
    this.#arm(kind === "loop");
    if (kind === "if" && (JSON.stringify(type.params) !== JSON.stringify(type.results) || random.chance(50))) {
      this.emit(0x05);
      this.#stack.length = label.height;
      label.unreachable = false;
      this.#arm(false);
    }
    this.emit(0x0b);
    this.#labels.pop();
    this.#stack.length = label.height;
    this.push(...type.results);
  }

  #arm(guarded: boolean): void {
    this.push(...this.#label().type.params);
    if (guarded) this.#guard();
    for (let steps = this.random.below(8); steps > 0 && this.#left > 0; steps -= 1) this.#step();
    this.#finish();
  }

  #blockType(): FunctionType {
    const { random } = this;
    if (random.chance(30)) return { params: [], results: [] };
    if (random.chance(40)) return { params: [], results: [randomType(random)] };
    if (random.chance(30)) return random.pick(this.plan.types);
    return { params: random.list(3, () => randomType(random)), results: random.list(3, () => randomType(random)) };
  }

  #encoded(type: FunctionType): number[] {
    if (type.params.length === 0 && type.results.length <= 1 && this.random.chance(80)) {
      return [type.results[0] ? TYPE_CODES[type.results[0]] : 0x40];
    }
    return signed(typeIndex(this.plan.types, type));
  }

  /** Leaves exactly the results of the innermost block on the stack. */
  #finish(): void {
    const { type, height, unreachable } = this.#label();
    const { results } = type;
    const there = this.#stack.length - height;
    const exact = there === results.length || (unreachable && there < results.length);
    if (exact && this.#matches(results)) return;
    while (this.#stack.length > height) this.#drop();
    if (unreachable && this.random.chance(60)) return;
    for (const result of results) this.value(result);
  }

  #drop(): void {
    const { height, unreachable } = this.#label();
    if (this.#stack.length === height && !unreachable) return;
    this.emit(0x1a);
    if (this.#stack.length > height) this.#stack.pop();
  }

  #taken(depth: number): readonly ValueType[] {
    const label = this.#labels[this.#labels.length - 1 - depth] as Label;
    return label.kind === "loop" ? label.type.params : label.type.results;
  }

  #branch(): void {
    const { random } = this;
    // What leaves the function at its outermost level makes all of the rest dead.
    const roll = random.below(this.#labels.length === 1 && random.chance(85) ? 55 : 100);
    const depth = random.below(this.#labels.length);
    const taken = this.#taken(depth);
    if (roll < 55) {
      this.operands(...taken, "i32");
      this.emit(0x0d, ...unsigned(depth));
      this.push(...taken);
    } else if (roll < 70) {
      this.operands(...taken);
      this.emit(0x0c, ...unsigned(depth));
      this.#dead();
    } else if (roll < 88) {
      const alike = indices(this.#labels, (_, other) => String(this.#taken(other)) === String(taken));
      this.operands(...taken, "i32");
      this.emit(0x0e, ...vector(random.list(4, () => unsigned(random.pick(alike)))), ...unsigned(depth));
      this.#dead();
    } else if (roll < 97) {
      this.operands(...this.#type.results);
      this.emit(0x0f);
      this.#dead();
    } else {
      this.emit(0x00);
      this.#dead();
    }
  }

  #call(): void {
    const { random, plan } = this;
    const entries = [...plan.callable.keys()];
    if (entries.length > 0 && random.chance(50)) {
      const entry = random.pick(entries);
      const wrong = random.chance(3);
      const type = wrong ? random.pick(plan.types) : plan.functions[plan.callable.get(entry) ?? 0];
      if (!type) return;
      this.operands(...type.params);
      this.emit(0x41, ...signed(entry), 0x11, ...unsigned(typeIndex(plan.types, type)), 0);
      this.push(...type.results);
      return;
    }
    const index = random.below(plan.functions.length);
    const type = plan.functions[index];
    if (!type) return;
    this.operands(...type.params);
    this.emit(0x10, ...unsigned(index));
    this.push(...type.results);
  }

  /** select, with and without a type. */
  #choice(): void {
    const { random } = this;
    const { height, unreachable } = this.#label();
    if (unreachable && this.#stack.length === height && random.chance(40)) {
      this.emit(0x1b);
      this.push(undefined);
      return;
    }
    const plain = random.chance(60);
    const type = plain ? random.pick([...NUMBERS, "v128"] as const) : randomType(random);
    this.operands(type, type, "i32");
    this.emit(...(plain ? [0x1b] : [0x1c, 1, TYPE_CODES[type]]));
    this.push(type);
  }

  /** Takes 1 from the budget, and returns at once when it is used up. */
  #guard(): void {
    const budget = unsigned(this.plan.budget);
    this.emit(0x23, ...budget, 0x41, 1, 0x6b, 0x24, ...budget, 0x23, ...budget, 0x41, 0, 0x48, 0x04, 0x40);
    for (const result of this.#type.results) this.emit(...constant(this.random, result));
    this.emit(0x0f, 0x0b);
  }
}

const SCALAR: readonly Operation[] = OPERATIONS.filter(({ code }) => code[0] !== 0xfd);

function indices<T>(items: readonly T[], wanted: (item: T, index: number) => boolean): number[] {
  return items.flatMap((item, index) => (wanted(item, index) ? [index] : []));
}
