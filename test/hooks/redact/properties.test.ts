import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../../src/model/canonical.ts";
import { isJsonObject, type Json } from "../../../src/model/json.ts";
import { runs, seed } from "../../support/property.ts";
import { component } from "./redactor.ts";
import { anyPayload } from "./texts.ts";

/** Everything of a value but its texts and names. */
function shape(value: Json): Json {
  if (Array.isArray(value)) return value.map(shape);
  if (isJsonObject(value)) return Object.values(value).map(shape);
  return typeof value === "string" ? "" : value;
}

describe("the redaction of random payloads", () => {
  it("keeps the structure, every number and every boolean", async () => {
    const create = await component;
    fc.assert(
      fc.property(anyPayload, (value) => {
        const guest = create();
        guest.configure({ emails: true });
        const answer = guest.handle("post-tool", canonicalJson({ value }));
        const redacted: Json = answer.payload === undefined ? { value } : JSON.parse(answer.payload);
        expect(sorted(shape(redacted))).toEqual(sorted(shape({ value })));
      }),
      { seed, numRuns: runs(250, 30_000) },
    );
  });

  it("changes nothing when it is done once more, by the same instance or by a new one", async () => {
    const create = await component;
    fc.assert(
      fc.property(anyPayload, (value) => {
        const guest = create();
        const other = create();
        for (const one of [guest, other]) one.configure({ emails: true });
        const { payload } = guest.handle("post-tool", canonicalJson({ value }));
        if (payload === undefined) return;
        for (const one of [guest, other]) expect(one.handle("post-tool", payload)).toMatchObject({ decision: "allow" });
      }),
      { seed, numRuns: runs(250, 30_000) },
    );
  });
});

function sorted(value: Json): Json {
  return Array.isArray(value)
    ? value.map(sorted).sort((left, right) => (canonicalJson(left) < canonicalJson(right) ? -1 : 1))
    : value;
}
