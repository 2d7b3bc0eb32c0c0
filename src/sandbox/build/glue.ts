/**
 * Changes to the code that jco generates. Each must find exactly what it expects wherever its name is used, so that another
 * version of jco is noticed and not quietly run without them.
 */
const CHANGES: readonly {
  readonly name: string;
  readonly why: string;
  readonly find: RegExp;
  readonly replace: string;
}[] = [
  {
    name: "_debugLog",
    why: "a debug log that reads the environment at every hostcall",
    find: /const _debugLog = \(\.\.\.args\) => \{\s*if \(!globalThis\?\.process\?\.env\?\.JCO_DEBUG\) \{ return; \}\s*console\.debug\(\.\.\.args\);\s*\};?/g,
    replace: "const _debugLog = () => {};",
  },
  {
    name: "TEXT_DECODER_UTF8",
    why: "the canonical ABI traps on text that is not UTF-8, and keeps a byte order mark",
    find: /const TEXT_DECODER_UTF8 = new TextDecoder\(\);/g,
    replace: 'const TEXT_DECODER_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });',
  },
  {
    name: "utf16Decoder",
    why: "the same for UTF-16",
    find: /const utf16Decoder = new TextDecoder\('utf-16'\);/g,
    replace: 'const utf16Decoder = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });',
  },
];

/** The name of the generated program among the files of a component. */
export const GLUE = "hook.js";

/** The generated code as the hook host runs it. Throws an ordinary error when it is not the code that we know. */
export function adaptGlue(source: string): string {
  let adapted = source;
  for (const { name, why, find, replace } of CHANGES) {
    if (!adapted.includes(name)) continue;
    const found = adapted.match(find)?.length ?? 0;
    if (found !== 1) throw new Error(`expected one place in the generated code for: ${why}; found ${found}`);
    adapted = adapted.replace(find, () => replace);
  }
  if (/^\s*(?:import\b|export\b.*\bfrom\b)/m.test(adapted) || /\bimport\s*\(/.test(adapted)) {
    throw new Error("the generated code imports something");
  }
  return adapted;
}
