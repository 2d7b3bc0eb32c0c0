import { expect, it } from "vitest";
import { missing } from "../../scripts/setup.mjs";

const wanted = {
  packages: {
    "": { version: "0.1.0" },
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/b-darwin": { version: "1.0.0", integrity: "sha512-b", optional: true },
  },
};

function installed(a: object | undefined): { packages: Record<string, object> } {
  return { packages: a === undefined ? {} : { "node_modules/a": a } };
}

it("finds nothing missing when every package has the version and the bytes of the lock", () => {
  expect(missing(wanted, installed({ version: "1.0.0", integrity: "sha512-a" }))).toBeUndefined();
});

it("finds a package that is not there, older, or of other bytes", () => {
  expect(missing(wanted, installed(undefined))).toBe("node_modules/a");
  expect(missing(wanted, installed({ version: "0.9.0", integrity: "sha512-a" }))).toBe("node_modules/a");
  expect(missing(wanted, installed({ version: "1.0.0", integrity: "sha512-x" }))).toBe("node_modules/a");
});
