/** What we use of the WebAssembly JavaScript interface; the libraries of TypeScript declare it for browsers only. */
export interface CoreModule {
  readonly __module: true;
}
export interface CoreInstance {
  readonly exports: object;
}
export interface CoreGlobal<T> {
  value: T;
}
interface Engine {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => CoreModule;
  readonly Instance: new (module: CoreModule, imports: object) => CoreInstance;
  readonly Memory: new (type: { readonly initial: number }) => object;
  readonly Table: new (type: { readonly initial: number; readonly element: "anyfunc" }) => object;
  readonly Global: {
    new (type: { readonly value: "i32"; readonly mutable: true }, value: number): CoreGlobal<number>;
    new (type: { readonly value: "i64"; readonly mutable: true }, value: bigint): CoreGlobal<bigint>;
  };
}

export const engine = Reflect.get(globalThis, "WebAssembly") as Engine;
