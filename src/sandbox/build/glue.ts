/**
 * Changes to the code that jco generates. Each must find exactly what it expects wherever it applies, so that another version
 * of jco is noticed and not quietly run without them.
 *
 * The generated code treats every hostcall as a task of the asynchronous component model, with a subtask, five closures and
 * several maps, which costs twenty times what the call does. Our world is synchronous: what remains of a hostcall is the check
 * that the instance may leave, lifting, the call, and lowering, all as jco generates them.
 */
const CHANGES: readonly {
  readonly why: string;
  readonly find: RegExp;
  readonly replace: string;
  /**
   * Finds the places that `find` must match; each of them once. From the beginning of a line, where no name that the component
   * brought can stand.
   */
  readonly places: RegExp;
  /** Applies only to code in which this is found. */
  readonly only?: RegExp;
}[] = [
  {
    why: "a debug log that reads the environment at every hostcall",
    places: /^\s*const _debugLog\b/gm,
    find: /^(\s*)const _debugLog = \(\.\.\.args\) => \{\s*if \(!globalThis\?\.process\?\.env\?\.JCO_DEBUG\) \{ return; \}\s*console\.debug\(\.\.\.args\);\s*\};?/gm,
    replace: "$1const _debugLog = () => {};",
  },
  {
    why: "the canonical ABI traps on text that is not UTF-8, and keeps a byte order mark",
    places: /^\s*const TEXT_DECODER_UTF8\b/gm,
    find: /^(\s*)const TEXT_DECODER_UTF8 = new TextDecoder\(\);/gm,
    replace: '$1const TEXT_DECODER_UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });',
  },
  {
    why: "the same for UTF-16",
    places: /^\s*const utf16Decoder\b/gm,
    find: /^(\s*)const utf16Decoder = new TextDecoder\('utf-16'\);/gm,
    replace: '$1const utf16Decoder = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });',
  },
  {
    why: "the canonical ABI traps on a list that lies outside of memory, and does not cut it short",
    places: /^\s*var result\d+ = new Uint8Array\(memory\d+\.buffer\.slice\(/gm,
    find: /^(\s*var result\d+ = new Uint8Array\(memory\d+\.buffer)\.slice\((ptr\d+), \2 \+ (len\d+) \* 1\)\);/gm,
    replace: "$1, $2, $3).slice();",
  },
  {
    why: "the canonical ABI lets no component leave while something is lowered into it",
    places: /^\s*function _checkMayLeave\b/gm,
    find: /function _checkMayLeave\(componentIdx\) \{\n(\s*)if \(INSTANCE_FLAGS\.get\(componentIdx\)\?\.value !== 1\) \{/g,
    replace: `let _lowering = false;
  const _whileLowering = (realloc) => (old, size, align, wanted) => {
    _lowering = true;
    const at = realloc(old, size, align, wanted);
    _lowering = false;
    return at;
  };
  function _checkMayLeave(componentIdx) {
$1if (_lowering || INSTANCE_FLAGS.get(componentIdx)?.value !== 1) {`,
  },
  {
    why: "all allocation for lowering goes that way",
    places: /^\s*let realloc\d+;$/gm,
    only: /^\s*function _checkMayLeave\b/m,
    find: /^(\s*realloc\d+ = )(exports\d+\b.*);$/gm,
    replace: "$1_whileLowering($2);",
  },
  {
    why: "nothing counts the handles that nested components make for each other, nor forgets those that they drop",
    places: /^\s*function rscTableCreate(?:Own|Borrow)\b/gm,
    find: /^\s*function rscTableCreate(?:Own|Borrow)\(table, rep(?:, scopeId)?\) \{\n/gm,
    replace: `$&    if (table.length > 2048 || table._createdReps?.size > 1024) throw new WebAssembly.RuntimeError("too many handles");\n`,
  },
  {
    why: "a task for each hostcall",
    places: /^\s*_trampoline\d+\.fnName = /gm,
    find: /(const _trampoline\d+ = function\([^)]*\) \{\n)((?:(?! *_trampoline)[^\n]*\n)*?) *const hostProvided = true;\n(?:(?! *_trampoline)[^\n]*\n)*? *parentTask = getCurrentTask\(\n *(\d+),\n(?:(?! *_trampoline)[^\n]*\n)*? *const started = task\.enterSync\(\);\n/g,
    replace: "$1    _checkMayLeave($3);\n$2",
  },
  {
    why: "the call itself, within that task",
    places: /^\s*fn: \(\) => _trackHostOperation\(/gm,
    find: /_withGlobalCurrentTaskMeta\(\{\s*componentIdx: task\.componentIdx\(\),\s*taskID: task\.id\(\),\s*fn: \(\) => _trackHostOperation\(\(\) => (.*)\),\n\s*\}\)\s*;/g,
    replace: "$1;",
  },
  {
    why: "the end of that task, where a hostcall without an error throws",
    places: /^\s*errHandling: 'none',\n\s*callingWasmExport: false,/gm,
    find: /_debugLog\('\[Instruction::CallInterface\] error during sync call', \{[^}]*\}\);(\s*getOrCreateAsyncState\(\d+\)\.markTrapped\(err\);)\s*task\.setErrored\(err\);\s*task\.reject\(err\);\s*task\.exit\(\);(\s*throw err;)/g,
    replace: "$1$2",
  },
  {
    why: "the end of that task",
    places: /^\s*_trampoline\d+\.fnName = /gm,
    find: /_debugLog\('\[iface="pinion:hook\/[^\n]*\]\[Instruction::Return\]', \{[^}]*\}\);\s*task\.resolve\(\[.*\]\);\s*task\.exit\(\);/g,
    replace: "",
  },
  {
    why: "a subtask for each hostcall",
    places: /^\s*_trampoline\d+\.fnName = /gm,
    find: /let (trampoline\d+) = (_trampoline\d+)\.manuallyAsync \? new WebAssembly\.Suspending\(_suspendingImport\(\d+, _lowerImportBackwardsCompat\.bind\(\n(?:(?! *\)\)\) : )[^\n]*\n)* *\)\)\) : _lowerImportBackwardsCompat\.bind\(\n(?:(?! *\);\n)[^\n]*\n)* *\);\n/g,
    replace: "let $1 = $2;\n",
  },
];

/** The name of the generated program among the files of a component. */
export const GLUE = "hook.js";

/** How jco generates code for a hook: synchronous, every core module a file of its own. */
export const SETTINGS = {
  name: GLUE.replace(/\.js$/, ""),
  instantiation: { tag: "sync" },
  noTypescript: true,
  noNodejsCompat: true,
  noNamespacedExports: true,
  noComponentErrorWrapping: false,
  base64Cutoff: 0,
  multiMemory: false,
} as const;

/** The generated code as the hook host runs it. Throws an ordinary error when it is not the code that we know. */
export function adaptGlue(source: string): string {
  let adapted = source;
  for (const { why, places, only, find, replace } of CHANGES) {
    if (only && !only.test(source)) continue;
    const expected = source.match(places)?.length ?? 0;
    const found = adapted.match(find)?.length ?? 0;
    if (found !== expected) {
      throw new Error(`expected ${expected} places in the generated code for: ${why}; found ${found}`);
    }
    adapted = adapted.replace(find, replace);
  }
  if (/^\s*(?:import\b|export\b.*\bfrom\b)/m.test(adapted) || /\bimport\s*\(/.test(adapted)) {
    throw new Error("the generated code imports something");
  }
  return adapted;
}
