import { binaryKind, sections } from "../../../src/sandbox/wasm/reader.ts";
import { generateModule } from "../../sandbox/meter/generate.ts";
import type { Random } from "../../sandbox/meter/random.ts";
import { leb, section, withModule } from "./wat.ts";

interface Part {
  readonly id: number;
  readonly content: Uint8Array;
}

type Change = (bytes: Uint8Array, random: Random) => Uint8Array;

/** Opcodes that take and give the same types, with no immediates: one in place of another keeps a module valid. */
const ALIKE: readonly (readonly [number, number])[] = [
  [0x46, 0x4f], // i32 comparisons
  [0x51, 0x5a], // i64 comparisons
  [0x61, 0x66], // f64 comparisons
  [0x67, 0x69], // i32 counting
  [0x6a, 0x78], // i32 arithmetic
  [0x7c, 0x8a], // i64 arithmetic
  [0x99, 0x9f], // f64 of one
  [0xa0, 0xa6], // f64 of two
];

const flipBit: Change = (bytes, random) =>
  changed(bytes, random.below(bytes.length), (byte) => byte ^ (1 << random.below(8)));
const setByte: Change = (bytes, random) =>
  changed(bytes, random.below(bytes.length), () => random.pick([0x00, 0x01, 0x7f, 0x80, 0xff, random.below(256)]));
const truncate: Change = (bytes, random) => bytes.subarray(0, random.below(bytes.length));
const insert: Change = (bytes, random) =>
  splice(
    bytes,
    random.below(bytes.length),
    0,
    random.list(8, () => random.below(256)),
  );
const remove: Change = (bytes, random) => splice(bytes, random.below(bytes.length), 1 + random.below(8), []);

/** The same or another number in more or fewer bytes than it needs. */
const changeNumber: Change = (bytes, random) => {
  const at = random.below(bytes.length);
  const value = random.pick([0, 1, 127, 128, 0xffff, 0x7fff_ffff, 0xffff_ffff]);
  const padded = random.chance(50) ? leb(value) : [...leb(value).map((byte) => byte | 0x80), 0x80, 0x00];
  return splice(bytes, at, 1, padded);
};

const copyWithin: Change = (bytes, random) => {
  const from = random.below(bytes.length);
  const piece = bytes.subarray(from, from + 1 + random.below(64));
  return splice(bytes, random.below(bytes.length), random.chance(50) ? piece.length : 0, [...piece]);
};

const swapOpcode: Change = (bytes, random) => {
  const start = random.below(bytes.length);
  for (let n = 0; n < bytes.length; n += 1) {
    const at = (start + n) % bytes.length;
    const group = ALIKE.find(([first, last]) => (bytes[at] ?? 0) >= first && (bytes[at] ?? 0) <= last);
    if (group) return changed(bytes, at, () => group[0] + random.below(group[1] - group[0] + 1));
  }
  return bytes;
};

const swapSections: Change = (bytes, random) =>
  rearranged(bytes, (parts) => {
    const [a, b] = [random.below(parts.length), random.below(parts.length)];
    return parts.map((part, index) => (index === a ? parts[b] : index === b ? parts[a] : part) ?? part);
  });
const repeatSection: Change = (bytes, random) =>
  rearranged(bytes, (parts) => parts.toSpliced(random.below(parts.length), 0, random.pick(parts)));
const dropSection: Change = (bytes, random) =>
  rearranged(bytes, (parts) => parts.toSpliced(random.below(parts.length), 1));
const renameSection: Change = (bytes, random) =>
  rearranged(bytes, (parts) => {
    const at = random.below(parts.length);
    return parts.map((part, index) => (index === at ? { ...part, id: random.below(16) } : part));
  });

const ANYWHERE: readonly Change[] = [flipBit, setByte, truncate, insert, remove, changeNumber, copyWithin];
const SECTIONS: readonly Change[] = [swapSections, repeatSection, dropSection, renameSection];
/** Those after which a core module may still be valid. */
const GENTLE: readonly Change[] = [swapOpcode, swapOpcode, swapOpcode, setByte, flipBit];

/** A component like this one, with something wrong in it, or with something else in its core modules. */
export function mutate(component: Uint8Array, random: Random): Uint8Array {
  switch (random.below(5)) {
    case 0:
      return random.pick(ANYWHERE)(component, random);
    case 1:
      return random.pick(SECTIONS)(component, random);
    case 2:
      return beside(component, random);
    default:
      return within(component, random);
  }
}

/** Changes the inside of one section, at any depth, and keeps the sizes of all around it right. */
function within(bytes: Uint8Array, random: Random): Uint8Array {
  return rearranged(bytes, (parts) => {
    const at = hit(parts, random);
    return parts.map((part, index) => (index === at ? { ...part, content: inside(part, random) } : part));
  });
}

/** Which of the parts a byte falls into that is as likely to be hit as any other. */
function hit(parts: readonly Part[], random: Random): number {
  let left = random.below(parts.reduce((sum, { content }) => sum + content.length + 1, 0));
  for (const [index, { content }] of parts.entries()) {
    left -= content.length + 1;
    if (left < 0) return index;
  }
  return 0;
}

function inside({ content }: Part, random: Random): Uint8Array {
  if (binaryKind(content) !== "other")
    return random.chance(10) ? random.pick(SECTIONS)(content, random) : within(content, random);
  if (content.length === 0) return Uint8Array.of(random.below(256));
  let out: Uint8Array = content;
  for (let times = 1 + random.below(4); times > 0; times -= 1)
    out = random.pick(random.chance(85) ? GENTLE : ANYWHERE)(out, random);
  return out;
}

/** Puts a generated core module behind the component, and an instance of it where it needs nothing. */
function beside(component: Uint8Array, random: Random): Uint8Array {
  const module = generateModule(random.bits(), 60);
  const whole = withModule(component, random.chance(20) ? within(module, random) : module);
  if (read(module).some(({ id }) => id === 2)) return whole;
  const index = read(component).filter(({ id }) => id === 1).length;
  return Buffer.concat([whole, section(2, Uint8Array.from([1, 0, ...leb(index), 0]))]);
}

function rearranged(bytes: Uint8Array, change: (parts: readonly Part[]) => readonly Part[]): Uint8Array {
  const parts = change(read(bytes)).map(({ id, content }) => section(id, content));
  return Buffer.concat([bytes.subarray(0, 8), ...parts]);
}

function read(bytes: Uint8Array): readonly Part[] {
  const parts: Part[] = [];
  sections(bytes, (id, reader) => void parts.push({ id, content: reader.bytes() }));
  return parts;
}

function changed(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[at] = change(out[at] ?? 0);
  return out;
}

function splice(bytes: Uint8Array, at: number, count: number, put: readonly number[]): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), Uint8Array.from(put), bytes.subarray(at + count)]);
}
