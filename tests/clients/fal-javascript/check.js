// Drives the vendor's official JavaScript client against the sandbox.
//
// Reads the sandbox's address from SANDBOX_URL and its key from SANDBOX_KEY. Exits with 1 if
// anything is not as the client's users would expect.

import assert from "node:assert/strict";
import { deflateSync, crc32 as nodeCrc32 } from "node:zlib";

import { ApiError, ValidationError, createFalClient } from "@fal-ai/client";

const sandbox = (process.env.SANDBOX_URL ?? "http://127.0.0.1:7410").replace(/\/$/, "");
const key = process.env.SANDBOX_KEY ?? "sandbox-key";

// Every call goes to the sandbox, which reads from a header what it was meant for.
const proxied = createFalClient({ credentials: key, proxyUrl: { url: sandbox, when: "always" } });

// The other way: host and scheme are rewritten before the request leaves.
const prefixes = {
  "https://fal.run": "run",
  "https://queue.fal.run": "queue",
  "https://rest.fal.ai": "rest",
};
const rewritten = createFalClient({
  credentials: key,
  requestMiddleware: async (request) => {
    const { origin, pathname, search } = new URL(request.url);
    const prefix = prefixes[origin];
    return prefix ? { ...request, url: `${sandbox}/${prefix}${pathname}${search}` } : request;
  },
});

const FLUX = "fal-ai/flux/dev";
const EDIT = "fal-ai/flux-2-pro/edit";
const SMALL = { prompt: "a red coat", seed: 7, image_size: { width: 128, height: 192 } };

async function control(method, path, body) {
  const answer = await fetch(`${sandbox}/control/${path}`, {
    method,
    body: body && JSON.stringify(body),
  });
  assert.equal(answer.status, 200, `${method} ${path}`);
  return answer.json();
}

const spoil = (operation, fault, times = 1) =>
  control("POST", "faults", { match: { operation, times }, fault });

async function download(url) {
  const answer = await fetch(url);
  assert.equal(answer.status, 200, url);
  return Buffer.from(await answer.arrayBuffer());
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Node 20 has no crc32 yet.
function crc32(bytes) {
  if (nodeCrc32) return nodeCrc32(bytes);
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A picture of one colour on a pale ground. */
function png(width, height, colour) {
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const rows = Buffer.alloc(height * (width * 3 + 1), 245);
  for (let y = 0; y < height; y++) {
    rows[y * (width * 3 + 1)] = 0;
    for (let x = 0; x < width; x++) {
      const isInside = x > width / 5 && x < width * 0.8 && y > height / 5 && y < height * 0.8;
      if (isInside) rows.set(colour, y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const shirt = () => new Blob([png(120, 160, [200, 30, 60])], { type: "image/png" });

function checks(fal) {
  return {
    async run() {
      const { data, requestId } = await fal.run(FLUX, { input: SMALL });
      assert.equal(data.seed, 7);
      assert.match(requestId, /^[0-9a-f-]{36}$/);
      const bytes = await download(data.images[0].url);
      assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);
    },

    async subscribe() {
      const updates = [];
      const { data, requestId } = await fal.subscribe(FLUX, {
        input: SMALL,
        logs: true,
        pollInterval: 50,
        onQueueUpdate: (update) => updates.push(update),
      });
      assert.equal(data.images[0].width, 128);
      const last = updates.at(-1);
      assert.equal(last.status, "COMPLETED");
      assert.ok(last.logs.some((log) => log.message.includes("100%")));
      const again = await fal.queue.result(FLUX, { requestId });
      assert.deepEqual(again.data, data);
    },

    async subscribeByStream() {
      const updates = [];
      const { data } = await fal.subscribe(FLUX, {
        input: SMALL,
        logs: true,
        mode: "streaming",
        onQueueUpdate: (update) => updates.push(structuredClone(update)),
      });
      assert.equal(data.images[0].width, 128);
      assert.equal(updates.at(-1).status, "COMPLETED");
    },

    async streamStatus() {
      const { request_id: requestId } = await fal.queue.submit(FLUX, { input: SMALL });
      const stream = await fal.queue.streamStatus(FLUX, { requestId, logs: true });
      const seen = [];
      for await (const status of stream) seen.push(status);
      assert.equal(seen.at(-1).status, "COMPLETED");
      const lines = seen.flatMap((status) => status.logs ?? []).map((log) => log.message);
      assert.equal(new Set(lines).size, lines.length, "no line twice");
      assert.ok(lines.some((line) => line.includes("100%")));
    },

    async cancel() {
      await spoil("submit", { kind: "never_finishes" });
      const submitted = await fal.queue.submit(EDIT, {
        input: { prompt: "p", image_urls: [shirt()] },
        priority: "low",
        hint: "lane-2",
      });
      assert.equal(submitted.status, "IN_QUEUE");
      const requestId = submitted.request_id;
      await pause(100);
      await fal.queue.cancel(EDIT, { requestId });
      const status = await fal.queue.status(EDIT, { requestId, logs: true });
      assert.equal(status.status, "COMPLETED");
      assert.equal(status.error_type, "client_cancelled");
      const error = await fal.queue.result(EDIT, { requestId }).catch((it) => it);
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, 499);
      const { entries } = await control("GET", `ledger?request_id=${requestId}`);
      assert.equal(entries[0].client_reference, "lane-2");
    },

    async cancelAtTimeLimit() {
      await spoil("submit", { kind: "never_finishes" });
      const failed = await fal.subscribe(FLUX, { input: SMALL, timeout: 500 }).catch((it) => it);
      assert.ok(failed instanceof Error);
      await pause(200);
      const { entries } = await control("GET", "ledger");
      assert.ok(entries.some((entry) => entry.kind === "cancelled"));
    },

    async stream() {
      const stream = await fal.stream(FLUX, { input: SMALL });
      const events = [];
      for await (const event of stream) events.push(event);
      assert.ok(events.length > 2);
      const output = await stream.done();
      assert.equal(output.images[0].width, 128);
    },

    async upload() {
      const data = png(64, 64, [10, 20, 200]);
      const file = new File([data], "blue.png", { type: "image/png" });
      const url = await fal.storage.upload(file);
      assert.deepEqual(await download(url), data);
      // A blob anywhere in the input is uploaded on the way.
      const input = { prompt: "a model", image_urls: [shirt()], seed: 3 };
      const { data: output } = await fal.run(EDIT, { input });
      assert.ok(output.images[0].url);
    },

    async uploadInParts() {
      const data = Buffer.alloc(91 * 1024 * 1024, "sartiq");
      const url = await fal.storage.upload(new Blob([data], { type: "application/zip" }));
      assert.equal(Buffer.compare(await download(url), data), 0);
    },

    async errors() {
      const failed = (promise) => promise.then(() => assert.fail("it passed"), (it) => it);
      let error = await failed(fal.run("fal-ai/no-such-model", { input: {} }));
      assert.equal(error.status, 404);
      assert.match(error.message, /not found/);

      error = await failed(fal.run(FLUX, { input: { prompt: 7, num_images: 9 } }));
      assert.ok(error instanceof ValidationError);
      assert.equal(error.fieldErrors.length, 2);
      assert.deepEqual(error.getFieldErrors("num_images")[0].loc, ["body", "num_images"]);

      const image_urls = ["data:image/png;base64,bm90IGEgcGljdHVyZQ=="];
      error = await failed(fal.subscribe(EDIT, { input: { prompt: "p", image_urls } }));
      assert.ok(error instanceof ValidationError);
      assert.equal(error.fieldErrors[0].type, "image_load_error");
      assert.match(error.requestId, /^[0-9a-f-]{36}$/);

      await spoil("submit", { kind: "error", name: "balance" });
      error = await failed(fal.queue.submit(FLUX, { input: SMALL }));
      assert.equal(error.status, 403);
      assert.match(error.message, /Exhausted balance/);

      await spoil("submit", { kind: "fail_late", name: "content_policy_violation" });
      error = await failed(fal.subscribe(FLUX, { input: SMALL }));
      assert.equal(error.status, 422);
      assert.equal(error.fieldErrors[0].type, "content_policy_violation");
    },

    async retries() {
      await spoil("submit", { kind: "error", name: "rate_limited" }, 2);
      assert.ok((await fal.subscribe(FLUX, { input: SMALL })).data.images);
      await spoil("status", { kind: "error", status: 500 });
      assert.ok((await fal.subscribe(FLUX, { input: SMALL })).data.images);
      // A lost answer is repeated: without an idempotency key it is paid for twice.
      await control("DELETE", "ledger");
      await spoil("submit", { kind: "lost_answer" });
      assert.ok((await fal.subscribe(FLUX, { input: SMALL })).data.images);
      const { totals } = await control("GET", "ledger");
      assert.equal(totals.repeated_inputs, 1);
    },
  };
}

async function strangers() {
  const fal = createFalClient({ credentials: "wrong", proxyUrl: { url: sandbox, when: "always" } });
  const error = await fal.run(FLUX, { input: SMALL }).catch((it) => it);
  assert.equal(error.status, 401);
  assert.match(error.message, /No user found/);
}

async function main() {
  // Streams go around the middleware, so the second way is checked without them.
  const { run, subscribe, upload, errors } = checks(rewritten);
  const ways = [
    ["proxy", checks(proxied)],
    ["rewritten", { run, subscribe, upload, errors }],
    ["key", { strangers }],
  ];
  let [passed, failed] = [0, 0];
  for (const [way, all] of ways) {
    for (const [name, check] of Object.entries(all)) {
      await control("POST", "reset");
      const started = performance.now();
      try {
        await check();
        passed += 1;
        console.log(`ok ${way} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
      } catch (error) {
        failed += 1;
        console.log(`FAILED ${way} ${name}`);
        console.error(error);
      }
    }
  }
  await control("POST", "reset");
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

await main();
