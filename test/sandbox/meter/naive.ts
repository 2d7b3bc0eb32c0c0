/**
 * The oracle: counts what the contract of src/sandbox/wasm/metering.ts says, one instruction at a time. Before each counted
 * instruction stands code that adds 1 to a global; whatever an instruction costs beyond that is added where its size is on
 * the stack. NaNs are made canonical right behind the operation that may make one. Slow, and simple enough to be believed.
 */
import { Reader } from "../../../src/sandbox/wasm/reader.ts";
import { fixed, PREAMBLE, section, signed, sized, text, unsigned, vector } from "./bytes.ts";
import { type Body, type Decoded, decode, type Instruction } from "./decode.ts";

/**
 * What the instrumented module exports. `count`: the cost so far. `mark`: the count at the last function entry, call or
 * return from a call. `dynamic`: the part of the count that depends on operands. `at`: which instruction was the last
 * one. `nan`: whether a NaN was made canonical that was not. `open`: calls that have not returned; `deepest`: the most of them.
 */
export const NAIVE_GLOBALS = {
  count: "i64",
  mark: "i64",
  dynamic: "i64",
  at: "i32",
  nan: "i32",
  open: "i32",
  deepest: "i32",
} as const;
type NaiveGlobal = keyof typeof NAIVE_GLOBALS;
const NAMES = Object.keys(NAIVE_GLOBALS) as readonly NaiveGlobal[];
/** The start function does not run by itself, so that the globals can be read when it traps. */
export const NAIVE_START = "naive:start";
export const naiveName = (name: NaiveGlobal) => `naive:${name}`;

export interface NaiveModule {
  readonly bytes: Uint8Array;
  /** For each value of `at`: how many counted instructions follow it in its basic block. */
  readonly rest: readonly number[];
  /** The most that a function runs without a loop, when it calls functions without calls and loops only. */
  readonly straight: number;
}

const BLOCK = 0x02;
const LOOP = 0x03;
const ELSE = 0x05;
const END = 0x0b;
const FREE = new Set([BLOCK, LOOP, ELSE, END]);
const CALLS = new Set([0x10, 0x11]);
/** Where a basic block ends: if, else, end, br, br_if, br_table, return, unreachable, calls; a loop begins one. */
const LEAVES = new Set([0x00, LOOP, 0x04, ELSE, END, 0x0c, 0x0d, 0x0e, 0x0f, ...CALLS]);

export const isFree = ({ code }: Instruction) => FREE.has(code);

export function naiveModule(module: Uint8Array): NaiveModule {
  const decoded = decode(module);
  const rest: number[] = [];
  const bodies = decoded.bodies.map((body, index) => instrument(decoded, body, index, rest));
  return { bytes: assemble(decoded, bodies), rest, straight: straightCost(decoded) };
}

function straightCost({ bodies }: Decoded): number {
  const lists = bodies.map(({ instructions }) => instructions);
  const leaves = lists.filter((list) => list.every(({ code }) => !CALLS.has(code) && code !== LOOP));
  const leaf = Math.max(0, ...leaves.map(counted));
  return Math.max(0, ...lists.map((list) => counted(list) + list.filter(({ code }) => CALLS.has(code)).length * leaf));
}

function counted(instructions: readonly Instruction[]): number {
  return instructions.filter((instruction) => !isFree(instruction)).length;
}

function assemble(decoded: Decoded, bodies: readonly number[][]): Uint8Array {
  const globals = NAMES.map((name) =>
    NAIVE_GLOBALS[name] === "i64" ? [0x7e, 1, 0x42, 0, END] : [0x7f, 1, 0x41, 0, END],
  );
  const exports = NAMES.map((name, index) => [...text(naiveName(name)), 3, ...unsigned(decoded.globals + index)]);
  const start = decoded.sections.find(({ id }) => id === 8);
  if (start) exports.push([...text(NAIVE_START), 0, ...start.content]);
  const added = new Map([
    [6, globals],
    [7, exports],
  ]);

  const out: (readonly number[])[] = [PREAMBLE];
  for (const id of ORDER) {
    const content = decoded.sections.find((found) => found.id === id)?.content;
    const more = added.get(id);
    if (more) out.push([id], sized(extended(content, more)));
    else if (id === 10 && content) out.push(section(id, bodies));
    else if (id !== 8 && content) out.push([id], sized([...content]));
  }
  return Uint8Array.from(out.flat());
}

/** Sections in the order that a module must have; custom ones are left out. */
const ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];

function extended(content: Uint8Array | undefined, more: readonly number[][]): number[] {
  if (!content) return vector(more);
  const reader = new Reader(content);
  const count = reader.u32();
  return [...unsigned(count + more.length), ...reader.bytes(), ...more.flat()];
}

/** One body with its counting code; adds what follows each of its instructions to `rest`. */
function instrument(decoded: Decoded, body: Body, index: number, rest: number[]): number[] {
  const writer = new Writer(decoded, body, index);
  const code = [...unsigned(body.localGroups + SCRATCH.length), ...body.locals, ...SCRATCH.flat(), ...writer.mark()];
  body.instructions.forEach((instruction, at) => {
    if (!isFree(instruction)) {
      rest.push(restOfBlock(body.instructions, at));
      code.push(...writer.add("count", [0x42, 1]));
      code.push(0x41, ...signed(rest.length - 1), ...writer.set("at"));
    }
    if (CALLS.has(instruction.code)) code.push(...writer.mark(), ...writer.open());
    code.push(...writer.before(instruction), ...instruction.bytes, ...writer.after(instruction));
    if (CALLS.has(instruction.code)) code.push(...writer.mark(), ...writer.close());
  });
  return sized(code);
}

function restOfBlock(instructions: readonly Instruction[], at: number): number {
  if (LEAVES.has(instructions[at]?.code ?? END)) return 0;
  let count = 0;
  for (const instruction of instructions.slice(at + 1)) {
    if (!isFree(instruction)) count += 1;
    if (LEAVES.has(instruction.code)) break;
  }
  return count;
}

/** Locals for operands: how much is asked for, what came of it, and one of each type that has NaNs. */
const SCRATCH = [
  [2, 0x7f],
  [1, 0x7d],
  [1, 0x7c],
  [1, 0x7b],
];

class Writer {
  readonly #globals: number;
  readonly #locals: number;

  constructor(decoded: Decoded, body: Body, index: number) {
    this.#globals = decoded.globals;
    this.#locals = (decoded.parameters[decoded.functions[index] ?? -1] ?? 0) + body.localCount;
  }

  #get(name: NaiveGlobal): number[] {
    return [0x23, ...unsigned(this.#globals + NAMES.indexOf(name))];
  }

  set(name: NaiveGlobal): number[] {
    return [0x24, ...unsigned(this.#globals + NAMES.indexOf(name))];
  }

  /** Adds the i64 that `value` leaves. */
  add(name: NaiveGlobal, value: readonly number[]): number[] {
    return [...this.#get(name), ...value, 0x7c, ...this.set(name)];
  }

  mark(): number[] {
    return [...this.#get("count"), ...this.set("mark")];
  }

  open(): number[] {
    const both = [...this.#get("open"), ...this.#get("deepest")];
    const opened = [...this.#get("open"), 0x41, 1, 0x6a, ...this.set("open")];
    // open > deepest ? open : deepest
    return [...opened, ...both, ...both, 0x4a, 0x1b, ...this.set("deepest")];
  }

  close(): number[] {
    return [...this.#get("open"), 0x41, 1, 0x6b, ...this.set("open")];
  }

  #local(code: number, scratch: number): number[] {
    return [code, ...unsigned(this.#locals + scratch)];
  }

  /** Charges the i32 in scratch 0 (unsigned), after the code in `scale` has worked on it as an i64. */
  #charge(scale: readonly number[]): number[] {
    const value = [...this.#local(GET, 0), 0xad, ...scale];
    return [...this.add("count", value), ...this.add("dynamic", value)];
  }

  /** The size of bulk operations is on top of the stack, and so is that of growing. */
  before({ code, sub }: Instruction): number[] {
    if (code === 0xfc && MEMORY_BULK.has(sub)) return [...this.#local(TEE, 0), ...this.#charge([0x42, 3, 0x88])];
    if (code === 0xfc && TABLE_BULK.has(sub)) return [...this.#local(TEE, 0), ...this.#charge([])];
    return grows(code, sub) ? this.#local(TEE, 0) : [];
  }

  after({ code, sub }: Instruction): number[] {
    if (grows(code, sub)) {
      const scale = code === 0x40 ? [0x42, ...signed(8192), 0x7e] : [];
      const succeeded = [...this.#local(TEE, 1), 0x41, 0x7f, 0x47];
      return [...succeeded, 0x04, 0x40, ...this.#charge(scale), END, ...this.#local(GET, 1)];
    }
    const kind = nanKind(code, sub);
    return kind ? this.#canonical(kind) : [];
  }

  /** Scalar: `x == x ? x : nan`; SIMD: the same in each lane. Whether bits changed goes into `nan`. */
  #canonical({ scratch, constant, equal, select, bits, differ }: NanKind): number[] {
    const get = this.#local(GET, scratch);
    const chosen = [...get, ...constant, ...get, ...get, ...equal, ...select];
    return [
      ...this.#local(SET, scratch),
      ...this.#get("nan"),
      ...chosen,
      ...bits,
      ...get,
      ...bits,
      ...differ,
      0x72, // i32.or
      ...this.set("nan"),
      ...chosen,
    ];
  }
}

const GET = 0x20;
const SET = 0x21;
const TEE = 0x22;
const simd = (sub: number) => [0xfd, ...unsigned(sub)];

/** memory.init, memory.copy, memory.fill */
const MEMORY_BULK = new Set([8, 10, 11]);
/** table.init, table.copy, table.fill */
const TABLE_BULK = new Set([12, 14, 17]);
const grows = (code: number, sub: number) => code === 0x40 || (code === 0xfc && sub === 15);

interface NanKind {
  readonly scratch: number;
  readonly constant: readonly number[];
  readonly equal: readonly number[];
  readonly select: readonly number[];
  /** Makes integers of both values, and compares them. */
  readonly bits: readonly number[];
  readonly differ: readonly number[];
}

const F32 = fixed(0x7fc0_0000n, 4);
const F64 = fixed(0x7ff8_0000_0000_0000n, 8);
const NAN_KINDS = {
  f32: { scratch: 2, constant: [0x43, ...F32], equal: [0x5b], select: [0x1b], bits: [0xbc], differ: [0x47] },
  f64: { scratch: 3, constant: [0x44, ...F64], equal: [0x61], select: [0x1b], bits: [0xbd], differ: [0x52] },
  f32x4: {
    scratch: 4,
    constant: [...simd(0x0c), ...F32, ...F32, ...F32, ...F32],
    equal: simd(0x41),
    select: simd(0x52),
    bits: [],
    differ: [...simd(0x51), ...simd(0x53)],
  },
  f64x2: {
    scratch: 4,
    constant: [...simd(0x0c), ...F64, ...F64],
    equal: simd(0x47),
    select: simd(0x52),
    bits: [],
    differ: [...simd(0x51), ...simd(0x53)],
  },
} as const;

/** The opcodes whose result may be a NaN of any bits: ceil to sqrt, add to max, demote, promote. */
const NAN_SCALAR: Readonly<Record<"f32" | "f64", ReadonlySet<number>>> = {
  f32: new Set([0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0xb6]),
  f64: new Set([0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xbb]),
};
const NAN_SIMD: Readonly<Record<"f32x4" | "f64x2", ReadonlySet<number>>> = {
  f32x4: new Set([0x5e, 0x67, 0x68, 0x69, 0x6a, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9]),
  f64x2: new Set([0x5f, 0x74, 0x75, 0x7a, 0x94, 0xef, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5]),
};

function nanKind(code: number, sub: number): NanKind | undefined {
  if (NAN_SCALAR.f32.has(code)) return NAN_KINDS.f32;
  if (NAN_SCALAR.f64.has(code)) return NAN_KINDS.f64;
  if (code !== 0xfd) return undefined;
  if (NAN_SIMD.f32x4.has(sub)) return NAN_KINDS.f32x4;
  return NAN_SIMD.f64x2.has(sub) ? NAN_KINDS.f64x2 : undefined;
}
