// @connectrpc/connect-web over gRPC-Web, unchanged.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { AuthService } from "./gen/sartiq/identity/v1/auth_service_pb.js";
import { UserService } from "./gen/sartiq/identity/v1/user_service_pb.js";
import { ProductService } from "./gen/sartiq/catalog/v1/product_service_pb.js";
import { EventService } from "./gen/sartiq/event/v1/event_service_pb.js";
import { check, end } from "./check.mjs";

const baseUrl = process.env.GATEWAY_URL;
let token = "";
const sign = (next) => (request) => {
  if (token) request.header.set("authorization", `Bearer ${token}`);
  return next(request);
};
const transport = createGrpcWebTransport({ baseUrl, interceptors: [sign], defaultTimeoutMs: 20_000 });
const auth = createClient(AuthService, transport);
const users = createClient(UserService, transport);
const products = createClient(ProductService, transport);
const events = createClient(EventService, transport);

/** Reads the details that a refusal carries, by their type. */
async function details(call) {
  try {
    await call;
  } catch (error) {
    const refusal = ConnectError.from(error);
    const found = {};
    for (const detail of refusal.details) found[detail.type] = detail;
    return { refusal, found };
  }
  throw new Error("it was not refused");
}

/** Reads strings out of an encoded detail without its generated type. */
function texts(detail) {
  return Buffer.from(detail.value).toString("latin1");
}

await check("a wrong password is refused with a reason", async () => {
  const { refusal, found } = await details(auth.login({ email: process.env.DEMO_EMAIL, password: "not the password" }));
  assert.equal(refusal.code, Code.Unauthenticated);
  assert.match(texts(found["google.rpc.ErrorInfo"]), /INVALID_CREDENTIALS/);
});

await check("signing in gives tokens", async () => {
  const answer = await auth.login({ email: process.env.DEMO_EMAIL, password: process.env.DEMO_PASSWORD });
  token = answer.tokens.accessToken;
  assert.ok(token.split(".").length === 3);
});

await check("a signed-in user is known", async () => {
  const me = await users.getMe({});
  assert.equal(me.user.email, process.env.DEMO_EMAIL);
});

await check("bad input names the field", async () => {
  const { refusal, found } = await details(products.createProduct({ requestId: "not a uuid", product: { name: "x" } }));
  assert.equal(refusal.code, Code.InvalidArgument);
  assert.match(texts(found["google.rpc.BadRequest"]), /request_id/);
});

await check("the same request makes one product", async () => {
  const request = { requestId: randomUUID(), product: { name: `connect ${randomUUID()}` } };
  const first = await products.createProduct(request);
  const again = await products.createProduct(request);
  assert.equal(first.product.id, again.product.id);
  const { refusal } = await details(products.createProduct({ ...request, product: { name: "another" } }));
  assert.equal(refusal.code, Code.AlreadyExists);
});

await check("a product of nobody is not found", async () => {
  const { refusal } = await details(products.getProduct({ id: randomUUID() }));
  assert.equal(refusal.code, Code.NotFound);
});

await check("events arrive while they happen", async () => {
  const abort = new AbortController();
  const name = `connect ${randomUUID()}`;
  let cursor = "";
  const seen = (async () => {
    for await (const message of events.subscribe({}, { signal: abort.signal, timeoutMs: 0 })) {
      cursor = message.cursor;
      if (message.message.case === "heartbeat") {
        void products.createProduct({ requestId: randomUUID(), product: { name } });
      }
      const payload = message.message.case === "event" ? message.message.value.payload : undefined;
      if (payload?.case === "productCreated" && payload.value.name === name) return message.message.value;
    }
    throw new Error("the stream ended");
  })();
  const timeout = setTimeout(() => abort.abort(), 15_000);
  const event = await seen;
  clearTimeout(timeout);
  abort.abort();
  assert.equal(event.source, "catalog");
  assert.ok(event.position > 0n);
  assert.notEqual(cursor, "");
});

await check("a cursor brings what was missed", async () => {
  const { cursor } = await events.poll({});
  const name = `connect ${randomUUID()}`;
  await products.createProduct({ requestId: randomUUID(), product: { name } });
  const names = [];
  let at = cursor;
  for (let tries = 0; tries < 5 && !names.includes(name); tries += 1) {
    const answer = await events.poll({ cursor: at });
    at = answer.cursor;
    for (const event of answer.events) {
      if (event.payload.case === "productCreated") names.push(event.payload.value.name);
    }
  }
  assert.ok(names.includes(name));
});

await check("a page of another origin is refused", async () => {
  const answer = await fetch(`${baseUrl}/sartiq.identity.v1.UserService/GetMe`, {
    method: "POST",
    headers: { "content-type": "application/grpc-web+proto", origin: "https://evil.example", authorization: `Bearer ${token}` },
    body: new Uint8Array(5),
  });
  assert.equal(answer.headers.get("grpc-status"), "7");
});

end();
