import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../../src/model/canonical.ts";
import { runs, seed } from "../../support/property.ts";
import { redactPlainly } from "./oracle.ts";
import { component } from "./redactor.ts";
import { anyPayload } from "./texts.ts";

describe("the redaction of random payloads", () => {
  it.each([{ emails: false }, { emails: true }])(
    "is what plain regular expressions find, with $emails",
    async ({ emails }) => {
      const create = await component;
      fc.assert(
        fc.property(anyPayload, (value) => {
          const guest = create();
          guest.configure({ emails });
          const json = canonicalJson({ value });
          const answer = guest.handle("post-tool", json);
          expect(answer.payload ?? json).toBe(redactPlainly(json, { mails: emails }));
        }),
        { seed, numRuns: runs(250, 30_000) },
      );
    },
  );
});
