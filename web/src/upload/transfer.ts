import { ConnectError, createClient } from "@connectrpc/connect";
import { Upload_State, type UploadPart } from "~/api/gen/sartiq/media/v1/upload_pb";
import { UploadService } from "~/api/gen/sartiq/media/v1/upload_service_pb";
import { media } from "~/api/media";
import { session } from "~/api/session";
import { transport } from "~/api/transport";
import { uuid } from "~/lib/uuid";

const uploads = createClient(UploadService, transport);
/** Judging a large picture takes a while. */
const JUDGE_MS = 90_000;
const ATTEMPTS = 4;
const REMEMBERED = 2_000;

export interface Watch {
  signal: AbortSignal;
  /** How many bytes have left. */
  onSent: (bytes: number) => void;
  onJudging: () => void;
}

export interface Arrival {
  mediaId: string;
  /** The bytes were there already, and were not sent again. */
  wasKnown: boolean;
}

/** What is on its way in this tab, by the hash of its bytes: two files of the same bytes are sent once. */
const underway = new Map<string, Promise<Arrival>>();

/** Brings the bytes of `file` into the organization, unless they are there. */
export async function transfer(file: File, mediaType: string, watch: Watch): Promise<Arrival> {
  const bytes = await file.arrayBuffer();
  // Hashing is there on secure origins alone. Without it the bytes are sent, and found to be known afterwards.
  const sha256 = crypto.subtle ? new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)) : new Uint8Array();
  const name = Array.from(sha256, (it) => it.toString(16).padStart(2, "0")).join("");
  if (!name) return send(file, mediaType, sha256, watch);
  const known = await recall(name);
  if (known) return { mediaId: known, wasKnown: true };
  const twin = underway.get(name);
  if (twin) return twin.then((it) => ({ ...it, wasKnown: true }));
  const work = send(file, mediaType, sha256, watch);
  underway.set(name, work);
  try {
    const arrival = await work;
    remember(name, arrival.mediaId);
    return arrival;
  } finally {
    underway.delete(name);
  }
}

async function send(file: File, mediaType: string, sha256: Uint8Array<ArrayBuffer>, watch: Watch): Promise<Arrival> {
  const { signal } = watch;
  const announcement = { requestId: uuid(), filename: file.name, mediaType, sizeBytes: BigInt(file.size), sha256 };
  const { upload, parts } = await uploads.createUpload(announcement, { signal });
  if (upload!.state === Upload_State.DUPLICATE) return { mediaId: upload!.mediaId, wasKnown: true };
  try {
    const etags: { number: number; etag: string }[] = [];
    let start = 0;
    for (const part of parts) {
      const size = Number(part.sizeBytes);
      const body = file.slice(start, start + size);
      const before = start;
      const etag = await put(part, body, signal, (sent) => watch.onSent(before + sent), async () => {
        // The same request gets URLs that work now.
        const again = await uploads.createUpload(announcement, { signal });
        return again.parts.find((it) => it.number === part.number);
      });
      etags.push({ number: part.number, etag });
      start += size;
    }
    watch.onJudging();
    const done = await uploads.completeUpload(
      { requestId: uuid(), id: upload!.id, parts: parts.length > 1 ? etags : [] }, { signal, timeoutMs: JUDGE_MS },
    );
    return { mediaId: done.media!.id, wasKnown: done.upload!.state === Upload_State.DUPLICATE };
  } catch (error) {
    if (signal.aborted) void uploads.abortUpload({ requestId: uuid(), id: upload!.id }).catch(() => undefined);
    throw error;
  }
}

class Refused extends Error {
  constructor(readonly status: number) {
    super(`the file store answered ${status}`);
  }
}

/** Puts a part, again if the network fails or the URL is too old. Answers its ETag. */
async function put(
  first: UploadPart, body: Blob, signal: AbortSignal, onSent: (bytes: number) => void, renew: () => Promise<UploadPart | undefined>,
): Promise<string> {
  let part = first;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await putOnce(part, body, signal, onSent);
    } catch (error) {
      if (signal.aborted || attempt === ATTEMPTS) throw error;
      if (error instanceof Refused && error.status === 403) part = (await renew()) ?? part;
      await new Promise((resolve) => setTimeout(resolve, 400 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

function putOnce(part: UploadPart, body: Blob, signal: AbortSignal, onSent: (bytes: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    // Fetch cannot tell how much it has sent.
    const request = new XMLHttpRequest();
    request.open("PUT", part.url);
    for (const [name, value] of Object.entries(part.headers)) {
      if (!["content-length", "host"].includes(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => {
      if (request.status >= 300) return reject(new Refused(request.status));
      onSent(body.size);
      resolve(request.getResponseHeader("etag") ?? "");
    };
    request.onerror = () => reject(new ConnectError("the network failed on the way to the file store"));
    request.onabort = () => reject(signal.reason);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function memory(): string {
  return `sartiq.known.${session.get()?.organizationId ?? ""}`;
}

function read(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(memory()) ?? "{}");
  } catch {
    return {};
  }
}

/** The media with these bytes, if this browser has sent them before and they are still there. */
async function recall(name: string): Promise<string | undefined> {
  const id = read()[name];
  if (!id) return undefined;
  return media.getMedia({ id }).then(() => id, () => undefined);
}

function remember(name: string, mediaId: string): void {
  const latest = Object.entries({ ...read(), [name]: mediaId }).slice(-REMEMBERED);
  try {
    localStorage.setItem(memory(), JSON.stringify(Object.fromEntries(latest)));
  } catch {
    // Without room the bytes are sent again some day, no more.
  }
}
