import { scriptedHook } from "../../support/lab.ts";
import { type Hostile, outOfFuel, tooDeep, tooMuch, traps } from "./hostile.ts";

/** What a QuickJS guest takes to start and to read its code is far below this. */
const FUEL = 10_000_000;
const SPENT = outOfFuel(FUEL);
/** A thrown value that is no `Error`, and whatever else the engine cannot pass on, is a trap. */
const TRAP = traps("unreachable");

/** Hostcalls as a guest makes them; none of them is granted anything. */
const CALLS = {
  emitEvent: 'host.emitEvent("flood", "1")',
  readCapsule: 'host.readCapsule("plan")',
  writeCapsule: 'host.writeCapsule("plan", \'{"steps":[]}\')',
  requestToolCall: 'host.requestToolCall("file.read", "{}")',
  requestApproval: 'host.requestApproval("{}")',
  random: "host.random(1024)",
  now: "host.now()",
  sleep: "host.sleep(0)",
  openRoot: 'files.openRoot("everything")',
  openDirectory: 'files.openDirectory("forged", ".")',
  list: 'files.list("forged", ".")',
  stat: 'files.stat("forged", ".")',
  read: 'files.read("forged", "a", 0, 10)',
  write: 'files.write("forged", "a", new Uint8Array(10))',
  createDirectory: 'files.createDirectory("forged", "a")',
  remove: 'files.remove("forged", "a")',
  rename: 'files.rename("forged", "a", "b")',
} as const;

const guest = (name: string, code: string, expected: Omit<Hostile, "name" | "component" | "config">): Hostile => ({
  name,
  config: { code },
  component: async () => (await scriptedHook(code, { phases: [] })).component,
  ...expected,
});

export const JS_GUESTS: readonly Hostile[] = [
  guest("R2 an endless loop in JavaScript", "for (;;);", SPENT),
  guest("R2 an endless loop of a library function", 'for (;;) "x".repeat(100000).split("").sort();', SPENT),
  guest("R3 a memory bomb of strings", "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(all.length));", {
    cause: "limit",
    says: /^`memoryPages`: allowed 512, used \d+ and asked for more$/,
  }),
  guest("R5 deep recursion in JavaScript", "const down = () => 1 + down(); return allow(String(down()));", tooDeep),
  guest("R5 deep recursion in JSON", 'JSON.parse("[".repeat(1000000));', tooDeep),
  guest(
    "R5 deep recursion in a regular expression",
    '/^(a|(b|(c|(d|e)*)*)*)*$/.test("e".repeat(100000) + "f"); for (;;);',
    SPENT,
  ),
  guest(
    "R10 swallowing the host's abort",
    "for (;;) { try { for (;;) host.now(); } catch {} }",
    tooMuch("hostcalls", 100, 101),
  ),
  guest("R10 swallowing the end of the fuel", "for (;;) { try { for (;;); } catch {} finally { continue; } }", SPENT),
  guest(
    "R11 swallowing a stack overflow",
    "const down = () => { try { down(); } catch {} down(); }; for (;;) { try { down(); } catch {} }",
    tooDeep,
  ),
  guest(
    "R12 a flood of events in JavaScript",
    'for (;;) { try { host.emitEvent("flood", "1"); } catch {} }',
    tooMuch("events", 50, 51),
  ),
  guest(
    "R12 events that are small and many bytes",
    'const data = JSON.stringify("x".repeat(9998)); for (;;) host.emitEvent("flood", data);',
    tooMuch("eventBytes", 65_536, 70_035),
  ),
  ...Object.entries(CALLS).map(([name, call]) =>
    guest(`R13 a flood of ${name}`, `for (;;) { try { ${call}; } catch {} }`, {
      ...tooMuch("hostcalls", 20, 21),
      limits: { hostcalls: 20 },
    }),
  ),
  guest("R14 sleeps that are long", "for (;;) host.sleep(200);", {
    cause: "deadline",
    says: /^`deadlineMs`: allowed 300 ms, used \d+ ms/,
    limits: { deadlineMs: 300 },
  }),
  guest("R14 many short sleeps", "for (;;) host.sleep(20);", {
    cause: "deadline",
    says: /^`deadlineMs`: allowed 300 ms, used \d+ ms/,
    limits: { deadlineMs: 300, hostcalls: 10_000 },
  }),
  guest("R14 sleeps that are short, together longer than a hook may wait", "for (;;) host.sleep(50);", {
    cause: "deadline",
    says: /^`hostcallMs`: allowed 300 ms, used \d+ ms/,
    limits: { deadlineMs: 30_000, hostcallMs: 300, hostcalls: 10_000 },
  }),
  guest("R16 throwing a number", "throw 7;", TRAP),
  guest("R16 throwing an error", 'throw new Error("broken");', { cause: "error", says: "broken" }),
  guest("R16 throwing nothing", "throw undefined;", TRAP),
  guest("R16 a promise for an answer", "return Promise.resolve(allow('later'));", TRAP),
  guest("R16 exit, as Node has it", "process.exit(0);", { cause: "error", says: "process is not defined" }),
  guest("R16 abort, through a system call that is a stub", "return allow(String(Date.now()));", TRAP),
  guest("R16 an answer of another shape", "return 42;", TRAP),
  guest("R16 an unknown decision", 'return { decision: "perhaps", rationale: "", payload: undefined };', TRAP),
  guest("R16 half a surrogate pair", 'return allow("\\ud800");', TRAP),
  guest("R16 a payload that is not JSON", 'return transform("garbage", "{");', {
    cause: "malformed",
    says: "`transform` with a payload that is not JSON",
  }),
  guest("R16 a payload of a million levels", 'return transform("deep", "[".repeat(1000000) + "]".repeat(1000000));', {
    cause: "malformed",
    says: "`transform` with a payload that is not JSON",
  }),
  guest("R16 a payload of another shape", 'return transform("another", "{}");', {
    cause: "malformed",
    says: /^its payload is refused: /,
  }),
  guest(
    "R16 a payload that reaches for prototypes",
    'return transform("polluted", JSON.stringify({ ...JSON.parse(payload), ["__proto__"]: { polluted: true } }));',
    { cause: "malformed", says: "`transform` with a payload that is not JSON" },
  ),
  guest("R16 allow with a payload", 'return { decision: "allow", rationale: "", payload: "{}" };', {
    cause: "malformed",
    says: "`allow` with a payload",
  }),
];
