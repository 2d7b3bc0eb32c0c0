import { signed, unsigned } from "./bytes.ts";
import type { BodyWriter } from "./generate-body.ts";
import { TYPE_CODES } from "./opcodes.ts";

/** References, tables, and what works on many bytes or entries at once. */
export function referenceStep(body: BodyWriter): void {
  const { random, plan } = body;
  const kinds = [
    isNull,
    ...(plan.tables.length > 0 ? [tableStep, tableBulk] : []),
    ...(plan.memory ? [memoryStep] : []),
  ];
  random.pick(kinds)(body);
}

function isNull(body: BodyWriter): void {
  const type = body.random.pick(["funcref", "externref"] as const);
  body.operands(type);
  body.emit(0xd1);
  body.push("i32");
}

/** A table that may be changed: mostly not the one that calls go through. */
function table(body: BodyWriter) {
  const { random, plan } = body;
  const index = random.chance(90) ? plan.tables.length - 1 : random.below(plan.tables.length);
  const { element, least } = plan.tables[index] ?? { element: "funcref", least: 0 };
  return { index, element, least };
}

function tableStep(body: BodyWriter): void {
  const { index, element, least } = table(body);
  const at = unsigned(index);
  switch (body.random.below(4)) {
    case 0:
      body.small(least);
      body.drop(1);
      body.emit(0x25, ...at);
      body.push(element);
      break;
    case 1:
      if (index === 0 && body.random.chance(80)) return;
      body.small(least);
      body.value(element);
      body.drop(2);
      body.emit(0x26, ...at);
      break;
    case 2:
      body.emit(0xfc, 16, ...at);
      body.push("i32");
      break;
    case 3:
      body.operands(element);
      body.push(element);
      body.small(6);
      body.drop(2);
      body.emit(0xfc, 15, ...at);
      body.push("i32");
  }
}

function tableBulk(body: BodyWriter): void {
  const { random, plan } = body;
  const { index, element, least } = table(body);
  const at = unsigned(index);
  const half = least >> 1;
  const segments = plan.elements.flatMap((segment, number) =>
    segment.element === element ? [{ ...segment, number }] : [],
  );
  switch (random.below(4)) {
    case 0:
      body.small(half);
      body.value(element);
      body.small(half);
      body.drop(3);
      body.emit(0xfc, 17, ...at);
      break;
    case 1:
      body.small(half);
      body.small(half);
      body.small(half);
      body.drop(3);
      body.emit(0xfc, 14, ...at, ...at);
      break;
    case 2: {
      if (segments.length === 0) return;
      const { number, mode } = random.pick(segments);
      body.small(half);
      body.small(2);
      body.small(mode === "passive" || random.chance(3) ? 2 : 0);
      body.drop(3);
      body.emit(0xfc, 12, ...unsigned(number), ...at);
      break;
    }
    case 3:
      if (segments.length > 0 && random.chance(10)) body.emit(0xfc, 13, ...unsigned(random.pick(segments).number));
  }
}

function memoryStep(body: BodyWriter): void {
  const { random, plan } = body;
  switch (random.below(6)) {
    case 0:
      body.emit(0x3f, 0);
      body.push("i32");
      break;
    case 1:
      body.small(3);
      body.drop(1);
      body.emit(0x40, 0);
      body.push("i32");
      break;
    case 2:
      region(body);
      body.emit(0xfc, 11, 0);
      break;
    case 3:
      region(body);
      body.emit(0xfc, 10, 0, 0);
      break;
    case 4: {
      if (plan.data.length === 0) return;
      const number = random.below(plan.data.length);
      body.small(1000);
      body.small(3);
      body.small(plan.data[number]?.mode === "passive" || random.chance(3) ? 4 : 0);
      body.drop(3);
      body.emit(0xfc, 8, ...unsigned(number), 0);
      break;
    }
    case 5:
      if (plan.data.length > 0 && random.chance(10)) body.emit(0xfc, 9, ...unsigned(random.below(plan.data.length)));
  }
}

/** Where to, from where or with what, how many bytes. */
function region(body: BodyWriter): void {
  body.small(1000);
  body.small(300);
  body.small(body.random.chance(20) ? 30_000 : 100);
  body.drop(3);
}

/** A reference that a segment or a global may start with: null or a function. */
export function reference(element: "funcref" | "externref", index: number | undefined): number[] {
  return element === "funcref" && index !== undefined ? [0xd2, ...unsigned(index)] : [0xd0, TYPE_CODES[element]];
}

/** The offset of a segment: a constant, or one that adds up to it with an imported global of known value. */
export function offset(value: number, base: { readonly global: number; readonly value: number } | undefined): number[] {
  if (!base) return [0x41, ...signed(value), 0x0b];
  return [0x23, ...unsigned(base.global), 0x41, ...signed(value - base.value), 0x6a, 0x0b];
}
