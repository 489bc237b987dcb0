import assert from "node:assert";
import test from "node:test";

import { registry, requests } from "../src/metrics.js";

test("an answer is counted", async () => {
  requests.inc({ status: 200 });
  assert.match(await registry.metrics(), /parcels_requests_total\{status="200"\} 1/);
});
