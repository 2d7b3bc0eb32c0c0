/**
 * The process that turns one untrusted component into code: inspects it, transpiles it, meters its core modules, writes the files to its standard
 * output and exits. It has no environment and no network and reads nothing but the transpiler; what it is given cannot
 * run here, and a component that hurts the tools hurts this process only. Its arguments are the paths of jco's `wasm-tools`
 * and `component`; a third one, `inspect`, has it say what the component is made of instead.
 */
import { writeSync } from "node:fs";
import { registerHooks } from "node:module";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { encodeFrame } from "../host/wire.ts";
import { inspect } from "../inspect/inspect.ts";
import { checkModule } from "../inspect/module.ts";
import { meterModule } from "../meter/meter.ts";
import { Malformed } from "../wasm/reader.ts";
import { adaptGlue, GLUE, SETTINGS } from "./glue.ts";
import { type Built, readAll } from "./stream.ts";

type WasmTools = typeof import("@bytecodealliance/jco-transpile/wasm-tools");
type Jco = typeof import("@bytecodealliance/jco-transpile/component");

const [, wasmTools = "", component = "", mode] = process.argv;
const inert = new URL(`inert-wasi${extname(import.meta.url)}`, import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier.startsWith("@bytecodealliance/preview2-shim/")
      ? { url: inert, shortCircuit: true }
      : next(specifier, context),
});

const bytes = readAll(0);
const files: { readonly name: string; readonly content: Uint8Array }[] = [];
let built: Built;
const { componentWit }: WasmTools = await import(pathToFileURL(wasmTools).href);
const jco: Jco = await import(pathToFileURL(component).href);
await jco.$init;
try {
  const facts = await inspect(bytes, (whole) => componentWit(whole).catch(refused));
  built = mode === "inspect" ? { ok: true, facts } : { ...build(), world: facts.world };
} catch (error) {
  files.length = 0;
  // Whatever goes wrong from here on, the component made it so: the hook fails, not the run.
  const said = error instanceof Error ? error.message : String(error);
  built = {
    ok: false,
    detail: error instanceof Malformed ? said : `cannot be turned into code: ${said.slice(0, 300)}`,
  };
}
writeAll(
  encodeFrame(
    built,
    files.map(({ content }) => content),
  ),
);

function build() {
  files.push(...transpile(jco.generate));
  return { ok: true, files: files.map(({ name, content }) => ({ name, size: content.length })) } as const;
}

function transpile(generate: Jco["generate"]) {
  const generated = (() => {
    try {
      return generate(bytes, SETTINGS);
    } catch (error) {
      return refused(error);
    }
  })();
  return generated.files
    .map(([name, content], index) =>
      name === GLUE
        ? { name, content: Buffer.from(adaptGlue(Buffer.from(content).toString("utf8"))) }
        : { name, content: metered(content, index) },
    )
    .sort((a, b) => Number(b.name === GLUE) - Number(a.name === GLUE));
}

/** What the tools took out of the component, or made, is checked like what stands in it. */
function metered(module: Uint8Array, index: number): Uint8Array {
  checkModule(module, index);
  return Uint8Array.from(meterModule(module));
}

/** The tools say no, with a message, or break; both are the component's fault. */
function refused(error: unknown): never {
  const said = error instanceof Error ? error.message : typeof error === "string" ? error : "they broke";
  throw new Malformed(`is refused by the component tools: ${said.slice(0, 300).replace(/\s+/g, " ")}`);
}

function writeAll(data: Uint8Array): void {
  for (let at = 0; at < data.length; ) at += writeSync(1, data, at);
}
