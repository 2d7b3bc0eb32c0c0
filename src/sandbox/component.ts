import { type Digest, digestOf } from "../model/canonical.ts";
import { BugError } from "../model/errors.ts";
import { HostFault } from "../model/hook.ts";
import { Deadline } from "./deadline.ts";
import { ConfinedProcess } from "./process.ts";
import { programs } from "./programs.ts";
import { confinementOf } from "./starting.ts";

/** A component as code: files one after another in `body`, the generated program first. Or what is wrong with it. */
export type Component =
  | { readonly ok: true; readonly world: string; readonly files: readonly File[]; readonly body: Uint8Array }
  | { readonly ok: false; readonly detail: string };

export interface File {
  readonly name: string;
  readonly size: number;
  /** sha256 of its bytes, computed on this side. */
  readonly digest: Digest;
}

const MiB = 1024 * 1024;
const BOUNDS = { head: MiB, body: 64 * MiB };
/** For reading, checking and transpiling one component, in ms. */
const BUILD_DEADLINE_MS = 60_000;
/** The tools run once, so compiling them well does not pay. */
const FLAGS = ["--max-old-space-size=2048", "--wasm-max-mem-pages=32768", "--liftoff-only"];

/**
 * Makes code of an untrusted component, in a process of its own, confined like a hook host. Throws `HostFault` when that process hangs or dies:
 * nobody can say then whether the component was to blame. `signal` ends it.
 */
export function buildComponent(node: string, bytes: Uint8Array, signal: AbortSignal): Promise<Component> {
  return inBuilder({ node, bytes, mode: [], decode: asBuilt, signal });
}

interface Work<T> {
  readonly node: string;
  readonly bytes: Uint8Array;
  /** Further arguments of the builder. */
  readonly mode: readonly string[];
  /** What the builder says, typed; undefined for what it does not say. */
  readonly decode: (head: unknown, body: Uint8Array) => T | undefined;
  readonly signal: AbortSignal;
}

/** Has a builder read one component and gives its answer. Throws `HostFault` when the process hangs or dies. */
export async function inBuilder<T>({ node, bytes, mode, decode, signal }: Work<T>): Promise<T> {
  const confinement = await confinementOf(node);
  const { builder } = programs();
  const program = { ...builder, args: [...builder.args, ...mode] };
  const process = new ConfinedProcess({ node, program, flags: FLAGS, confinement, bounds: BOUNDS });
  const deadline = new Deadline();
  const cancel = () => process.fail(new HostFault("host-died", undefined, "the hook hosts were closed"));
  return new Promise<T>((resolve, reject) => {
    deadline.start(BUILD_DEADLINE_MS, () =>
      process.fail(new HostFault("deadline", undefined, `no code within ${BUILD_DEADLINE_MS} ms`)),
    );
    process.listen({
      frame: ({ head, body }) => {
        const { bug } = Object(head) as { readonly bug?: unknown };
        if (typeof bug === "string") return reject(new BugError({ code: "component-build", message: bug }));
        const built = decode(head, body);
        if (built === undefined) throw new Error("what is no component");
        resolve(built);
      },
      end: reject,
    });
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
    process.finish(bytes);
  }).finally(() => {
    deadline.stop();
    signal.removeEventListener("abort", cancel);
    return process.kill();
  });
}

/** Undefined unless the files are exactly the body. */
export function asBuilt(head: unknown, body: Uint8Array): Component | undefined {
  const built = Object(head) as { readonly [key in "ok" | "detail" | "world" | "files"]?: unknown };
  if (built.ok === false) return typeof built.detail === "string" ? { ok: false, detail: built.detail } : undefined;
  const { world } = built;
  if (built.ok !== true || typeof world !== "string" || !Array.isArray(built.files)) return undefined;
  const files: File[] = [];
  let total = 0;
  for (const file of built.files) {
    const { name, size } = Object(file) as Partial<File>;
    if (typeof name !== "string" || !Number.isSafeInteger(size) || size === undefined || size < 0) return undefined;
    files.push({ name, size, digest: digestOf(body.subarray(total, total + size)) });
    total += size;
  }
  return files.length > 0 && total === body.length ? { ok: true, world, files, body } : undefined;
}
