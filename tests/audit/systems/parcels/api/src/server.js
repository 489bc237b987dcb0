import { readFileSync } from "node:fs";

import cors from "cors";
import express from "express";
import { rateLimit } from "express-rate-limit";
import { MongoClient } from "mongodb";
import pino from "pino";

import { registry, requests } from "./metrics.js";

const log = pino();
const password = readFileSync(process.env.MONGO_PASSWORD_FILE, "utf8").trim();
const mongo = new MongoClient(`mongodb://${process.env.MONGO_HOST}:27017`, {
  auth: { username: process.env.MONGO_USER, password },
  serverSelectionTimeoutMS: 2000,
});
const parcels = mongo.db("parcels").collection("parcels");

const app = express();
app.use(cors({ origin: process.env.ALLOWED_ORIGIN }));
app.use(rateLimit({ windowMs: 60_000, limit: 120 }));
app.use((request, response, next) => {
  response.on("finish", () => requests.inc({ status: response.statusCode }));
  next();
});

app.get("/health", (request, response) => response.json({ status: "ok" }));

app.get("/ready", async (request, response) => {
  await mongo.db("admin").command({ ping: 1 });
  response.json({ status: "ok" });
});

app.get("/metrics", async (request, response) => {
  response.type(registry.contentType).send(await registry.metrics());
});

app.get("/parcels/:id", async (request, response) => {
  const parcel = await parcels.findOne({ number: request.params.id });
  if (!parcel) return response.status(404).json({ error: "no such parcel" });
  response.json(parcel);
});

const server = app.listen(process.env.PORT, () => log.info("listening"));
process.on("SIGTERM", () => server.close(() => mongo.close()));
