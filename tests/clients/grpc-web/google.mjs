// The grpc-web package of the gRPC project, unchanged, with its text framing.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { LoginRequestSchema, LoginResponseSchema } from "./gen/sartiq/identity/v1/auth_service_pb.js";
import { GetProductRequestSchema, GetProductResponseSchema, ListProductsRequestSchema, ListProductsResponseSchema } from "./gen/sartiq/catalog/v1/product_service_pb.js";
import { SubscribeRequestSchema, SubscribeResponseSchema } from "./gen/sartiq/event/v1/event_service_pb.js";
import { check, end } from "./check.mjs";

const require = createRequire(import.meta.url);
// It calls through the browser's XMLHttpRequest, which Node does not have.
globalThis.XMLHttpRequest = require("xhr2");
const { GrpcWebClientBase, MethodDescriptor, MethodType } = require("grpc-web");

const host = process.env.GATEWAY_URL;
const method = (type, path, request, response) =>
  new MethodDescriptor(path, type, Object, Object, (it) => toBinary(request, it), (it) => fromBinary(response, it));
const login = method(MethodType.UNARY, "/sartiq.identity.v1.AuthService/Login", LoginRequestSchema, LoginResponseSchema);
const list = method(MethodType.UNARY, "/sartiq.catalog.v1.ProductService/ListProducts", ListProductsRequestSchema, ListProductsResponseSchema);
const get = method(MethodType.UNARY, "/sartiq.catalog.v1.ProductService/GetProduct", GetProductRequestSchema, GetProductResponseSchema);
const subscribe = method(MethodType.SERVER_STREAMING, "/sartiq.event.v1.EventService/Subscribe", SubscribeRequestSchema, SubscribeResponseSchema);

for (const format of ["text", "binary"]) {
  const client = new GrpcWebClientBase({ format });
  const call = (descriptor, message, metadata = {}) => client.unaryCall(host + descriptor.name, message, metadata, descriptor);
  let metadata = {};

  await check(`${format}: signing in gives tokens`, async () => {
    const request = create(LoginRequestSchema, { email: process.env.DEMO_EMAIL, password: process.env.DEMO_PASSWORD });
    const answer = await call(login, request);
    metadata = { authorization: `Bearer ${answer.tokens.accessToken}` };
    assert.ok(answer.tokens.accessToken);
  });

  await check(`${format}: a list is answered`, async () => {
    const answer = await call(list, create(ListProductsRequestSchema, { pageSize: 3 }), metadata);
    assert.ok(Array.isArray(answer.products));
  });

  await check(`${format}: a refusal has its code and message`, async () => {
    await assert.rejects(call(get, create(GetProductRequestSchema, { id: randomUUID() }), metadata), (error) => {
      assert.equal(error.code, 5);
      assert.match(decodeURIComponent(error.message), /does not exist/);
      return true;
    });
  });
}

await check("text: a stream begins with a heartbeat", async () => {
  const client = new GrpcWebClientBase({ format: "text" });
  const request = create(LoginRequestSchema, { email: process.env.DEMO_EMAIL, password: process.env.DEMO_PASSWORD });
  const answer = await client.unaryCall(host + login.name, request, {}, login);
  // Node's stand-in for XMLHttpRequest hands a body over when it is complete, so the call has an end.
  const metadata = { authorization: `Bearer ${answer.tokens.accessToken}`, deadline: String(Date.now() + 2_000) };
  const stream = client.serverStreaming(host + subscribe.name, create(SubscribeRequestSchema, {}), metadata, subscribe);
  const messages = [];
  const code = await new Promise((resolve) => {
    stream.on("data", (message) => messages.push(message));
    stream.on("error", (error) => resolve(error.code));
    stream.on("end", () => resolve(0));
  });
  const [first] = messages;
  assert.equal(code, 4);
  assert.equal(first.message.case, "heartbeat");
  assert.notEqual(first.cursor, "");
});

end();
