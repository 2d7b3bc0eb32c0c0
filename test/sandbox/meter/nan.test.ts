import { expect, test } from "vitest";
import { MeteredInstance } from "./metered.ts";

const UNARY = ["ceil", "floor", "trunc", "nearest", "sqrt"];
const BINARY = ["add", "sub", "mul", "div", "min", "max"];
const KEEPING = ["abs", "neg"];

/** NaNs with a payload, with and without a sign, quiet and signalling, and what does not become one. */
const PATTERNS = {
  f32: ["0x7fc12345", "0xffc00001", "0x7fa00000", "0xff800001", "0x7fc00000", "0xffc00000"],
  f64: [
    "0x7ff8123456789abc",
    "0xfff8000000000001",
    "0x7ff4000000000000",
    "0xfff0000000000001",
    "0x7ff8000000000000",
    "0xfff8000000000000",
  ],
} as const;
const CANONICAL = { f32: 0x7fc0_0000n, f64: 0x7ff8_0000_0000_0000n };
const INTEGER = { f32: "i32", f64: "i64" } as const;
type Float = "f32" | "f64";
const FLOATS = ["f32", "f64"] as const;

const float = (type: Float, bits: string) => `(${type}.reinterpret_${INTEGER[type]} (${INTEGER[type]}.const ${bits}))`;
const unsignedBits = (type: Float, value: unknown) =>
  BigInt.asUintN(type === "f32" ? 32 : 64, BigInt(value as number | bigint));

/** Ways in which the bits of a float show, each the body of a function that gives them as an integer. */
function ways(type: Float, value: string): Readonly<Record<string, string>> {
  const integer = INTEGER[type];
  const bits = (text: string) => `(${integer}.reinterpret_${type} ${text})`;
  return {
    reinterpreted: bits(value),
    stored: `(${type}.store (i32.const 8) ${value}) (${integer}.load (i32.const 8))`,
    "kept in a local": `(local.set $x ${value}) ${bits("(local.get $x)")}`,
    "kept in a global": `(global.set $g ${value}) ${bits("(global.get $g)")}`,
    returned: bits(`(call $same ${value})`),
    "through a block": bits(`(block (result ${type}) ${value})`),
    "through a branch": bits(`(block (result ${type}) (br 0 ${value}))`),
    "through an if": bits(`(if (result ${type}) (i32.const 1) (then ${value}) (else (${type}.const 1)))`),
    "through a loop": bits(`${value} (loop (param ${type}) (result ${type}))`),
    selected: bits(`(select ${value} (${type}.const 1) (i32.const 1))`),
    "given a positive sign": bits(`(${type}.copysign ${value} (${type}.const 1))`),
    "without its sign": bits(`(${type}.abs ${value})`),
  };
}

function moduleOf(type: Float, functions: readonly string[]): string {
  const integer = INTEGER[type];
  const all = functions.map(
    (body, index) => `(func (export "f${index}") (result ${integer}) (local $x ${type}) ${body})`,
  );
  return `(memory 1) (global $g (mut ${type}) (${type}.const 0))
    (func $same (param ${type}) (result ${type}) (local.get 0)) ${all.join("\n")}`;
}

async function bitsOf(type: Float, bodies: readonly string[]): Promise<bigint[]> {
  const instance = await MeteredInstance.of(moduleOf(type, bodies));
  return bodies.map((_, index) => {
    const { error, outcome } = instance.call(`f${index}`);
    expect(error).toBeUndefined();
    return unsignedBits(type, outcome);
  });
}

for (const type of FLOATS) {
  const operations = [
    ...UNARY.map((name) => (value: string) => `(${type}.${name} ${value})`),
    ...BINARY.map((name) => (value: string) => `(${type}.${name} ${value} (${type}.const 1))`),
    ...BINARY.map((name) => (value: string) => `(${type}.${name} (${type}.const 1) ${value})`),
  ];
  for (const operation of operations) {
    test(`D4 NaN payloads: ${operation("NaN")} is canonical wherever its bits show`, async () => {
      const bodies = PATTERNS[type].flatMap((bits) => Object.values(ways(type, operation(float(type, bits)))));
      const found = await bitsOf(type, bodies);
      expect(new Set(found)).toEqual(new Set([CANONICAL[type]]));
    });
  }

  test(`D4 NaN payloads: operations on ${type} without NaNs that make one make the canonical one`, async () => {
    const makers = [
      `(${type}.div (${type}.const 0) (local.get $x))`,
      `(${type}.sqrt (${type}.const -1))`,
      `(${type}.sub (${type}.const inf) (${type}.const inf))`,
      `(${type}.mul (${type}.const inf) (local.get $x))`,
      `(${type}.add (${type}.const inf) (${type}.const -inf))`,
    ];
    const found = await bitsOf(
      type,
      makers.flatMap((maker) => Object.values(ways(type, maker))),
    );
    expect(new Set(found)).toEqual(new Set([CANONICAL[type]]));
  });

  test(`D4 NaN payloads: constants, loads, selects and signs of ${type} keep their bits`, async () => {
    const keep = PATTERNS[type].map((bits) => [float(type, bits), BigInt(bits)] as const);
    const kept = keep.flatMap(([value, bits]) => [
      [value, bits] as const,
      [`(select (local.get $x) ${value} (i32.const 0))`, bits] as const,
    ]);
    const sign = 1n << (type === "f32" ? 31n : 63n);
    const signs = keep.flatMap(([value, bits]) => [
      [`(${type}.neg ${value})`, bits ^ sign] as const,
      [`(${type}.abs ${value})`, bits & ~sign] as const,
      [`(${type}.copysign ${value} (${type}.const -1))`, bits | sign] as const,
    ]);
    const all = [...kept, ...signs];
    const found = await bitsOf(
      type,
      all.map(([value]) => `(${INTEGER[type]}.reinterpret_${type} ${value})`),
    );
    expect(found).toEqual(all.map(([, bits]) => bits));
  });

  test(`D4 NaN payloads: the sign of a ${type} that an operation made is that of the canonical NaN`, async () => {
    const made = PATTERNS[type].map((bits) => `(${type}.add ${float(type, bits)} (${type}.const 1))`);
    const sign = 1n << (type === "f32" ? 31n : 63n);
    const copied = await bitsOf(
      type,
      made.map((value) => `(${INTEGER[type]}.reinterpret_${type} (${type}.copysign (${type}.const 1) ${value}))`),
    );
    const one = type === "f32" ? 0x3f80_0000n : 0x3ff0_0000_0000_0000n;
    expect(new Set(copied)).toEqual(new Set([one]));
    const negated = await bitsOf(
      type,
      made.map((value) => `(${INTEGER[type]}.reinterpret_${type} (${type}.neg ${value}))`),
    );
    expect(new Set(negated)).toEqual(new Set([CANONICAL[type] | sign]));
  });
}

test("D4 NaN payloads: demoted and promoted ones are canonical", async () => {
  const demoted = PATTERNS.f64.flatMap((bits) => Object.values(ways("f32", `(f32.demote_f64 ${float("f64", bits)})`)));
  expect(new Set(await bitsOf("f32", demoted))).toEqual(new Set([CANONICAL.f32]));
  const promoted = PATTERNS.f32.flatMap((bits) =>
    Object.values(ways("f64", `(f64.promote_f32 ${float("f32", bits)})`)),
  );
  expect(new Set(await bitsOf("f64", promoted))).toEqual(new Set([CANONICAL.f64]));
});

/** Each lane of a vector of two or four; the second has no NaN, and must stay. */
const VECTORS = {
  f32x4: { lane: "f32", make: (bits: string) => `(v128.const i32x4 ${bits} 0x40000000 ${bits} ${bits})`, lanes: 4 },
  f64x2: { lane: "f64", make: (bits: string) => `(v128.const i64x2 ${bits} 0x4000000000000000)`, lanes: 2 },
} as const;

for (const shape of ["f32x4", "f64x2"] as const) {
  const { lane, make, lanes } = VECTORS[shape];
  const splat = `(${shape}.splat (${lane}.const 1))`;
  const operations = [
    ...UNARY.map((name) => (value: string) => `(${shape}.${name} ${value})`),
    ...BINARY.map((name) => (value: string) => `(${shape}.${name} ${value} ${splat})`),
    ...BINARY.map((name) => (value: string) => `(${shape}.${name} ${splat} ${value})`),
  ];
  const observe = (value: string, index: number) => [
    `(i${shape.slice(1)}.extract_lane ${index} ${value})`,
    `(${INTEGER[lane]}.reinterpret_${lane} (${shape}.extract_lane ${index} ${value}))`,
    `(v128.store (i32.const 16) ${value}) (${INTEGER[lane]}.load offset=${(16 / lanes) * index} (i32.const 16))`,
    `(i${shape.slice(1)}.extract_lane ${index} (v128.or ${value} ${value}))`,
  ];

  for (const operation of operations) {
    test(`D4 NaN payloads: each lane of ${operation("NaN")} is canonical, and no other is touched`, async () => {
      const values = PATTERNS[lane].map((bits) => operation(make(bits)));
      const first = await bitsOf(
        lane,
        values.flatMap((value) => observe(value, 0)),
      );
      expect(new Set(first)).toEqual(new Set([CANONICAL[lane]]));
      const second = await bitsOf(
        lane,
        values.flatMap((value) => observe(value, 1)),
      );
      expect(new Set(second).size).toBe(1);
      expect(second[0]).not.toBe(CANONICAL[lane]);
    });
  }

  test(`D4 NaN payloads: ${shape} keeps the bits of pmin, pmax, signs and lanes`, async () => {
    for (const bits of PATTERNS[lane]) {
      const sign = 1n << (lane === "f32" ? 31n : 63n);
      const value = make(bits);
      const found = await bitsOf(lane, [
        observe(value, 0)[0] ?? "",
        ...KEEPING.map((name) => observe(`(${shape}.${name} ${value})`, 0)[0] ?? ""),
        observe(`(${shape}.pmin ${value} ${splat})`, 0)[0] ?? "",
        observe(`(${shape}.pmax ${value} ${splat})`, 0)[0] ?? "",
        observe(`(${shape}.replace_lane 0 ${splat} ${float(lane, bits)})`, 0)[0] ?? "",
      ]);
      const raw = BigInt(bits);
      expect(found).toEqual([raw, raw & ~sign, raw ^ sign, raw, raw, raw]);
    }
  });
}

test("D4 NaN payloads: vectors that were demoted and promoted are canonical", async () => {
  const demoted = PATTERNS.f64.map(
    (bits) => `(i32x4.extract_lane 0 (f32x4.demote_f64x2_zero ${VECTORS.f64x2.make(bits)}))`,
  );
  expect(new Set(await bitsOf("f32", demoted))).toEqual(new Set([CANONICAL.f32]));
  const promoted = PATTERNS.f32.map(
    (bits) => `(i64x2.extract_lane 0 (f64x2.promote_low_f32x4 ${VECTORS.f32x4.make(bits)}))`,
  );
  expect(new Set(await bitsOf("f64", promoted))).toEqual(new Set([CANONICAL.f64]));
});
