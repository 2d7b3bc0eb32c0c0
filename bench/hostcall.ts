/**
 * What a hostcall costs that needs no answer, in nanoseconds: through the code as jco generates it, and as the hook host runs
 * it, interleaved in one process, with the door behind both. `node bench/hostcall.ts`
 */
import { adaptGlue } from "../src/sandbox/build/glue.ts";
import { Door } from "../src/sandbox/host/door.ts";
import { ALLOW, buildWat, watHook } from "../test/hazard/guests/wat.ts";
import { generate, link } from "../test/support/glue.ts";
import { LIMITS, SEED } from "../test/support/guests.ts";

const CALLS = 1000;
const ROUNDS = 200;
const WARM_UP = 20;
const TEXT = "(i32.const 1100) (i32.const 4)";

const HOSTCALLS = {
  now: { type: "(result i64)", call: "(drop (call $call))" },
  "emit-event": {
    type: "(param i32 i32 i32 i32 i32)",
    call: `(call $call ${TEXT} (i32.const 1300) (i32.const 13) (i32.const 2000))`,
  },
};

function guest(name: string, { type, call }: { readonly type: string; readonly call: string }): string {
  return watHook({
    imports: `(import "pinion:hook/host@1.0.0" "${name}" (func $call ${type}))`,
    fields: '(data (i32.const 1300) "{\\"a\\":[1,2,3]}")',
    handle: `(local $n i32) (local.set $n (i32.const ${CALLS}))
      (loop ${call} (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) (i32.const ${ALLOW})`,
  });
}

/** One call of the hook; its time in ns for each of its hostcalls. */
async function hook(glue: string, generated: Awaited<ReturnType<typeof generate>>): Promise<() => number> {
  const limits = { ...LIMITS, hostcalls: CALLS, events: CALLS, eventBytes: CALLS * 100 };
  const door = new Door({
    limits,
    seed: SEED,
    ask: () => {
      throw new Error("nothing here needs an answer");
    },
  });
  const { exports } = await link(glue, generated, door.imports());
  return () => {
    door.open({ now: 1_700_000_000_000, capsules: {} });
    const start = performance.now();
    exports.handle?.("pre-tool", "{}");
    const time = performance.now() - start;
    if (door.close().length !== CALLS) throw new Error("a hostcall is missing");
    return (time * 1e6) / CALLS;
  };
}

const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

console.log(`node ${process.version}, ${process.arch}; medians of ${ROUNDS} calls with ${CALLS} hostcalls each`);
for (const [name, hostcall] of Object.entries(HOSTCALLS)) {
  const generated = await generate(await buildWat(guest(name, hostcall)));
  const stock = await hook(generated.glue, generated);
  const ours = await hook(adaptGlue(generated.glue), generated);
  const times = { stock: [] as number[], ours: [] as number[] };
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    const [a, b] = [stock(), ours()];
    if (round < WARM_UP) continue;
    times.stock.push(a);
    times.ours.push(b);
  }
  const [before, after] = [median(times.stock), median(times.ours)];
  console.log(
    `${name.padEnd(12)} as generated ${before.toFixed(0).padStart(6)} ns   as adapted ${after.toFixed(0).padStart(6)} ns   ${(before / after).toFixed(1)} x cheaper`,
  );
}
