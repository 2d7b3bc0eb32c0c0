import { closeSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_LINE } from "../../src/journal/codec.ts";
import { Lines } from "../../src/journal/lines.ts";
import { runs, seed } from "../support/property.ts";
import { temporary } from "./workshop.ts";

const folder = () => join(temporary(), "file");

function read(file: string): { readonly lines: string[]; readonly offsets: number[]; readonly torn: number } {
  const fd = openSync(file, "r");
  try {
    const reader = new Lines(fd, file);
    const [lines, offsets]: [string[], number[]] = [[], []];
    for (;;) {
      const { offset } = reader.place;
      const line = reader.next();
      if (line === undefined) return { lines, offsets, torn: reader.torn };
      lines.push(Buffer.from(line).toString("latin1"));
      offsets.push(offset);
    }
  } finally {
    closeSync(fd);
  }
}

describe("lines", () => {
  it("are cut at every LF, wherever the chunks of the file end", () => {
    const file = folder();
    const length = fc.oneof(
      fc.nat(40),
      fc.nat(2_500_000),
      fc.constantFrom(1024 * 1024 - 1, 1024 * 1024, 1024 * 1024 + 1),
    );
    fc.assert(
      fc.property(fc.array(length, { maxLength: 6 }), fc.nat(5), (lengths, torn) => {
        const lines = lengths.map((length, i) => String(i).repeat(length));
        writeFileSync(file, lines.map((line) => `${line}\n`).join("") + "t".repeat(torn));
        const found = read(file);
        expect(found.lines).toEqual(lines);
        expect(found.torn).toBe(torn);
        expect(found.offsets).toEqual(lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b + 1, 0)));
      }),
      { seed, numRuns: runs(30, 1000) },
    );
  });

  it("L11 a line of more than 32 MiB is damage, found without reading the whole file", () => {
    const file = folder();
    writeFileSync(file, "header\n");
    truncateSync(file, 100 * 1024 ** 3); // sparse: 100 GiB of NUL
    expect(() => read(file)).toThrow(`at line 2, byte 7: expected a line of at most ${MAX_LINE} bytes`);
  });
});
