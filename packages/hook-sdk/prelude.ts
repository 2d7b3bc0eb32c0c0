// Copied from hooks/sdk/prelude.ts by scripts/generate-types.ts. Do not edit.
/**
 * A guest's own clock traps and its own random numbers repeat one sequence, so neither may be used by accident.
 * Both throw an error here that says what to call instead.
 */
function refuse(what: string, instead: string): () => never {
  return () => {
    throw new Error(`\`${what}\` does not exist in a hook: call \`${instead}\` of \`pinion:hook/host@1.0.0\``);
  };
}

const construct = refuse("new Date()", "now");
const call = refuse("Date()", "now");
Date.now = refuse("Date.now", "now");
Math.random = refuse("Math.random", "random");
globalThis.performance = { now: refuse("performance.now", "now") } as unknown as Performance;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    args.length === 0 ? construct() : Reflect.construct(target, args, newTarget),
  apply: call,
});
