import { Malformed, type Reader } from "../wasm/reader.ts";

const LIFT = 0x00;
const LOWER = 0x01;
/** `resource.new`, `resource.drop` and `resource.rep`, which nested components have for each other. */
const RESOURCES: readonly number[] = [0x02, 0x03, 0x04];

/** What the options of a lifted or lowered function may be, and whether an index follows. */
const OPTIONS: Readonly<Record<number, boolean>> = {
  0: false, // utf8
  1: false, // utf16
  3: true, // memory
  4: true, // realloc
  5: true, // post-return
};

/**
 * Checks one definition of a `canon` section (component model, Binary.md): functions are lifted and lowered, and resources made
 * and dropped, which the adapted glue bounds. Built-ins for tasks, waitables, streams and threads would be imports that are not
 * on our list, done by generated code that no limit counts; asynchronous functions would go on behind their call.
 * Throws `Malformed`.
 */
export function checkCanon(reader: Reader): void {
  const kind = reader.byte();
  if (RESOURCES.includes(kind)) {
    reader.u32();
    return;
  }
  if (kind !== LIFT && kind !== LOWER) throw new Malformed(`uses a built-in function (canon 0x${kind.toString(16)})`);
  reader.byte();
  reader.u32();
  reader.each(() => {
    const option = reader.byte();
    const indexed = OPTIONS[option];
    if (indexed === undefined) {
      const what = option === 6 || option === 7 ? "an asynchronous function" : "a function in a form that is not ours";
      throw new Malformed(`has ${what} (canon option 0x${option.toString(16)})`);
    }
    if (indexed) reader.u32();
  });
  if (kind === LIFT) reader.u32();
}
