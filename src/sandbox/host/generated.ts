import { registerHooks } from "node:module";

const SCHEME = "component:";
const sources = new Map<string, string>();
let count = 0;

registerHooks({
  resolve: (specifier, context, next) => {
    // Code that was made of a component is all there is of it.
    if (context.parentURL?.startsWith(SCHEME)) throw new Error("generated code imports something");
    return sources.has(specifier) ? { url: specifier, format: "module", shortCircuit: true } : next(specifier, context);
  },
  load: (url, context, next) => {
    const source = sources.get(url);
    return source === undefined ? next(url, context) : { format: "module", source, shortCircuit: true };
  },
});

/** Runs a generated module, which may import nothing; gives its exports. */
export async function importGenerated(source: string) {
  count += 1;
  const url = `${SCHEME}${count}`;
  sources.set(url, source);
  try {
    return await import(url);
  } finally {
    sources.delete(url);
  }
}
