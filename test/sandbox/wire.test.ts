import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFrame, FrameDecoder, TO_HOST } from "../../src/sandbox/host/wire.ts";
import { runs, seed } from "../support/property.ts";

test("frames come out as they went in, however the pipe cuts them", () => {
  const frame = fc.record({
    head: fc.dictionary(fc.string(), fc.jsonValue()),
    body: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 200 })),
      (sent, cuts) => {
        let rest = Buffer.concat(sent.map(({ head, body }) => encodeFrame(head, [body])));
        const decoder = new FrameDecoder(TO_HOST);
        const received: unknown[] = [];
        for (const cut of cuts) {
          if (rest.length === 0) break;
          received.push(...decoder.push(rest.subarray(0, cut)));
          rest = rest.subarray(cut);
        }
        const plain = sent.map(({ head, body }) => ({
          head: JSON.parse(JSON.stringify(head)),
          body: Buffer.from(body),
        }));
        expect(received).toEqual(plain);
      },
    ),
    { seed, numRuns: runs(100, 10_000) },
  );
});

test("a frame above its bounds is refused before it is there", () => {
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(0xffff_ffff, 0);
  expect(() => new FrameDecoder(TO_HOST).push(prefix)).toThrow("a frame of 4294967295 + 0 bytes");
});

test("a body where none is allowed is refused", () => {
  const decoder = new FrameDecoder({ head: 100, body: 0 });
  expect(() => decoder.push(encodeFrame({}, [Buffer.from("x")]))).toThrow("a frame of 2 + 1 bytes");
});

test("a head that is not JSON is refused", () => {
  const frame = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0x7b]);
  expect(() => new FrameDecoder(TO_HOST).push(frame)).toThrow("not JSON");
});
