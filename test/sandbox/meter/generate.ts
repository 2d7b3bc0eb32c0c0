/** A seeded generator of valid core modules of WebAssembly 2.0 that come to an end: what the meter must not change. */
import { PREAMBLE, section, sized, text, unsigned, vector } from "./bytes.ts";
import { generateBody } from "./generate-body.ts";
import { offset, reference } from "./generate-references.ts";
import { HOST_VALUES } from "./interface.ts";
import { TYPE_CODES, type ValueType } from "./opcodes.ts";
import {
  constant,
  type FunctionType,
  type GlobalPlan,
  NUMBERS,
  type Plan,
  randomType,
  type SegmentMode,
  type TablePlan,
  typeIndex,
} from "./plan.ts";
import { Random } from "./random.ts";

/** The exported global that bounds loops and calls; set it before each call. */
export const BUDGET = "budget";

/** A module; `size` is about how many instructions its functions have each. Valid, whatever the numbers. */
export function generateModule(seed: number, size: number): Uint8Array {
  const random = new Random(seed);
  const plan = drawPlan(random);
  const { functions, importedFunctions } = plan;
  const bodies = functions
    .slice(importedFunctions)
    .map((type) => generateBody(plan, random, type, random.below(size) + 1));
  const globals = plan.globals.flatMap((global, index) =>
    global.imported ? [] : [globalEntry(plan, random, global, index)],
  );
  const elements = plan.elements.map((segment, index) => elementSegment(plan, random, segment, index));
  const data = plan.data.map(({ mode }) => dataSegment(plan, random, mode));
  const start = functions.findIndex((type, index) => index >= importedFunctions && isPlain(type));
  const indices = functions.slice(importedFunctions).map((type) => unsigned(typeIndex(plan.types, type)));
  const imports = importEntries(plan);
  return Uint8Array.from([
    ...PREAMBLE,
    ...section(1, plan.types.map(functionType)),
    ...section(2, imports),
    ...section(3, indices),
    ...section(4, plan.tables.filter(({ imported }) => !imported).map(tableType)),
    ...section(5, plan.memory && !plan.memory.imported ? [limits(plan.memory)] : []),
    ...section(6, globals),
    ...section(7, exportEntries(plan)),
    ...(start >= 0 && random.chance(40) ? [8, ...sized(unsigned(start))] : []),
    ...section(9, elements),
    ...(data.length > 0 ? [12, ...sized(unsigned(data.length))] : []),
    ...section(10, bodies),
    ...section(11, data),
    ...(random.chance(50) ? nameSection() : []),
  ]);
}

const isPlain = ({ params, results }: FunctionType) => params.length === 0 && results.length === 0;

function drawPlan(random: Random): Plan {
  const type = (): FunctionType => ({
    params: random.list(4, () => randomType(random)),
    results: random.list(random.chance(80) ? 1 : 4, () => randomType(random)),
  });
  // What JavaScript can pass.
  const plainType = () => (random.chance(75) ? random.pick(NUMBERS) : random.pick(["funcref", "externref"] as const));
  const imported = random.list(3, () => ({
    params: random.list(3, plainType),
    results: random.list(random.chance(80) ? 1 : 3, plainType),
  }));
  const types = [{ params: [], results: [] }, ...random.list(4, type)];
  const functions = [
    ...imported,
    ...Array.from({ length: 1 + random.below(6) }, () => random.pick([...types, type()])),
  ];
  const tables = drawTables(random);
  const globals: GlobalPlan[] = [
    ...random.list(3, () => ({ type: plainType(), mutable: random.chance(40), imported: true })),
    { type: "i32", mutable: true, imported: false },
    ...random.list(5, () => ({ type: randomType(random), mutable: random.chance(65), imported: false })),
  ];
  const callable = new Map<number, number>();
  for (let entry = 0; tables.length > 0 && entry < 8; entry += 1) {
    if (random.chance(80)) callable.set(entry, random.below(functions.length));
  }
  const memory = random.chance(85)
    ? {
        least: 1 + random.below(2),
        most: random.chance(60) ? 3 + random.below(4) : undefined,
        imported: random.chance(20),
      }
    : undefined;
  const element = () => (random.chance(70) ? "funcref" : "externref");
  const passive = () => ({ mode: random.pick(["passive", "declarative"] as const), element: element() }) as const;
  return {
    types,
    functions,
    importedFunctions: imported.length,
    globals,
    budget: globals.findIndex((global) => !global.imported),
    tables,
    callable,
    memory,
    elements: [
      ...(callable.size > 0 ? [{ mode: "active", element: "funcref" } as const] : []),
      ...random.list(3, passive),
    ],
    data: random.list(3, () => ({ mode: memory && random.chance(50) ? "active" : "passive" })),
  };
}

/** Table 0 holds functions; where there is another, it is the one that instructions change. */
function drawTables(random: Random): TablePlan[] {
  if (random.chance(10)) return [];
  const most = () => (random.chance(60) ? 20 + random.below(10) : undefined);
  const importedFirst = random.chance(20);
  const second = random.chance(60) ? random.pick(["funcref", "externref"] as const) : undefined;
  const first: TablePlan = { element: "funcref", least: 10, most: most(), imported: importedFirst };
  if (!second) return [first];
  return [
    first,
    { element: second, least: random.below(12), most: most(), imported: importedFirst && random.chance(50) },
  ];
}

function functionType({ params, results }: FunctionType): number[] {
  const list = (types: readonly ValueType[]) => vector(types.map((type) => [TYPE_CODES[type]]));
  return [0x60, ...list(params), ...list(results)];
}

function limits({ least, most }: { readonly least: number; readonly most: number | undefined }): number[] {
  return most === undefined ? [0, ...unsigned(least)] : [1, ...unsigned(least), ...unsigned(most)];
}

function tableType(table: TablePlan): number[] {
  return [TYPE_CODES[table.element], ...limits(table)];
}

function importEntries(plan: Plan): number[][] {
  const entry = (name: string, ...rest: readonly number[]) => [...text("host"), ...text(name), ...rest];
  const functions = plan.functions
    .slice(0, plan.importedFunctions)
    .map((type, index) => entry(`function ${index}`, 0, ...unsigned(typeIndex(plan.types, type))));
  const globals = plan.globals.flatMap(({ type, mutable, imported }, index) =>
    imported ? [entry(`global ${index}`, 3, TYPE_CODES[type], mutable ? 1 : 0)] : [],
  );
  const tables = plan.tables.flatMap((table, index) =>
    table.imported ? [entry(`table ${index}`, 1, ...tableType(table))] : [],
  );
  const memory = plan.memory?.imported ? [entry("memory", 2, ...limits(plan.memory))] : [];
  return [...globals, ...functions, ...memory, ...tables];
}

function exportEntries(plan: Plan): number[][] {
  const entry = (name: string, kind: number, index: number) => [...text(name), kind, ...unsigned(index)];
  return [
    ...plan.functions.map((_, index) => entry(`function ${index}`, 0, index)),
    ...plan.tables.map((_, index) => entry(`table ${index}`, 1, index)),
    ...(plan.memory ? [entry("memory", 2, 0)] : []),
    ...plan.globals.map((_, index) => entry(index === plan.budget ? BUDGET : `global ${index}`, 3, index)),
  ];
}

/** The immutable globals before `index` that have this type. */
function readable(plan: Plan, type: ValueType, index: number): number[] {
  return plan.globals.flatMap((global, at) => (at < index && global.type === type && !global.mutable ? [at] : []));
}

function globalEntry(plan: Plan, random: Random, global: GlobalPlan, index: number): number[] {
  const { type, mutable } = global;
  const head = [TYPE_CODES[type], mutable ? 1 : 0];
  if (index === plan.budget) return [...head, 0x41, 40, 0x0b];
  const sources = readable(plan, type, index);
  const leaf = () =>
    sources.length > 0 && random.chance(60) ? [0x23, ...unsigned(random.pick(sources))] : constant(random, type);
  if (type === "funcref" && random.chance(50)) {
    return [...head, ...reference(type, random.below(plan.functions.length)), 0x0b];
  }
  if ((type === "i32" || type === "i64") && random.chance(50)) {
    // add, sub, mul
    const operation = (type === "i32" ? 0x6a : 0x7c) + random.below(3);
    return [...head, ...leaf(), ...leaf(), operation, 0x0b];
  }
  return [...head, ...leaf(), 0x0b];
}

/** An imported global that an offset may be computed from. */
function base(plan: Plan, random: Random) {
  const imported = readable(plan, "i32", plan.budget);
  if (imported.length === 0 || random.chance(40)) return undefined;
  return { global: random.pick(imported), value: HOST_VALUES.i32 };
}

function elementSegment(plan: Plan, random: Random, segment: Plan["elements"][number], index: number): number[] {
  const { mode, element } = segment;
  const expressions = element === "externref" || random.chance(50);
  const kind = expressions ? [TYPE_CODES[element]] : [0];
  const item = (target: number | undefined) =>
    expressions ? [...reference(element, target), 0x0b] : unsigned(target ?? 0);
  if (mode !== "active") {
    const flags = (mode === "passive" ? 1 : 3) + (expressions ? 4 : 0);
    const count = 2 + random.below(3);
    return [flags, ...kind, ...vector(Array.from({ length: count }, () => item(random.below(plan.functions.length))))];
  }
  // One for table 0, with the entries in a row that may be called.
  const last = Math.max(...plan.callable.keys());
  const items = Array.from({ length: last + 1 }, (_, entry) => item(plan.callable.get(entry)));
  const named = index > 0 || random.chance(50);
  const flags = (named ? 2 : 0) + (expressions ? 4 : 0);
  return [flags, ...(named ? [0] : []), ...offset(0, base(plan, random)), ...(named ? kind : []), ...vector(items)];
}

function dataSegment(plan: Plan, random: Random, mode: SegmentMode): number[] {
  const content = sized(Array.from({ length: 8 + random.below(40) }, () => random.below(256)));
  if (mode !== "active") return [1, ...content];
  const at = offset(random.below(2000), base(plan, random));
  return random.chance(50) ? [0, ...at, ...content] : [2, 0, ...at, ...content];
}

function nameSection(): number[] {
  return [0, ...sized([...text("name"), 0, ...sized(text("generated"))])];
}
