import { EXIT, type ExitCode, InputError } from "../model/errors.ts";
import { benchHook } from "../runtime/authoring/bench.ts";
import type { Call } from "./command.ts";
import { environment } from "./environment.ts";
import { columns } from "./table.ts";
import { jsonLine } from "./visible.ts";

interface Options {
  readonly phase?: string;
  readonly input?: string;
  readonly config?: string;
  readonly calls: string;
}

const MOST_CALLS = 1_000_000;

/** `hook bench`: how long loading and calling takes, the first call apart from the others. */
export async function bench({ args: [manifest = "."], options, json, out }: Call<Options>): Promise<ExitCode> {
  const calls = countOf(options.calls);
  const clock = () => performance.now();
  const found = await benchHook({ manifest, ...options, calls, clock, onNotice: out.talk }, environment());
  if (json) {
    out.data(jsonLine(found));
    return EXIT.ok;
  }
  const { least, most } = found.fuel;
  out.data(
    columns([
      [`${found.hook} at ${found.phase}`, `${found.payloadBytes} bytes of payload, ${found.calls} calls`],
      ["load, the first time", ms(found.firstLoadMs)],
      ["load, from the cache", ms(found.loadMs)],
      ["first call", ms(found.firstCallMs)],
      ["call, p50", ms(found.p50Ms)],
      ["call, p99", ms(found.p99Ms)],
      ["calls a second", String(Math.round(found.callsPerSecond))],
      ["fuel a call", least === most ? String(most) : `${least} to ${most}`],
      ["private memory", found.privateBytes === undefined ? "unknown" : `${(found.privateBytes / 1e6).toFixed(1)} MB`],
    ]),
  );
  return EXIT.ok;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 3 : 0)} ms`;
}

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_CALLS) return count;
  throw new InputError({
    code: "usage",
    message: `\`--calls ${text}\`: expected a whole number from 1 to ${MOST_CALLS}`,
  });
}
