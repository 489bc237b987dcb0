import { Counter, Registry } from "prom-client";

export const registry = new Registry();
export const requests = new Counter({
  name: "parcels_requests_total",
  help: "Answers by status",
  labelNames: ["status"],
  registers: [registry],
});
