/** What these tests use of the WebAssembly JavaScript interface; the libraries of TypeScript declare it for browsers only. */

export type ExternKind = "function" | "table" | "memory" | "global";
export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
}
export interface ModuleExport {
  readonly name: string;
  readonly kind: ExternKind;
}
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}
export interface WasmTable {
  readonly length: number;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
}
export interface WasmGlobal {
  value: unknown;
}
export interface WasmModule {
  readonly __module: true;
}
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

interface Limits {
  readonly initial: number;
  readonly maximum?: number;
}
interface WasmEngine {
  validate(bytes: Uint8Array): boolean;
  readonly Module: {
    new (bytes: Uint8Array): WasmModule;
    imports(module: WasmModule): ModuleImport[];
    exports(module: WasmModule): ModuleExport[];
    customSections(module: WasmModule, name: string): ArrayBuffer[];
  };
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance;
  readonly Memory: new (limits: Limits) => WasmMemory;
  readonly Table: new (limits: Limits & { readonly element: "anyfunc" | "externref" }) => WasmTable;
  readonly Global: new (type: { readonly value: string; readonly mutable: boolean }, value?: unknown) => WasmGlobal;
  readonly RuntimeError: new () => Error;
}

export const wasm = Reflect.get(globalThis, "WebAssembly") as WasmEngine;
