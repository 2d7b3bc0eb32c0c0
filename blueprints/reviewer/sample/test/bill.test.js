import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../src/bill.js";

test("a bill with tip is settled", () => {
  const lines = [{ price: "12.30" }, { price: "7.70" }];
  assert.deepEqual(settle({ lines, tip: 10, people: ["Ada", "Grace"] }), {
    total: "22.00",
    shares: [
      { name: "Ada", pays: "11.00" },
      { name: "Grace", pays: "11.00" },
    ],
  });
});
