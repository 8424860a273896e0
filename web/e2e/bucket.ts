import { createHash, createHmac } from "node:crypto";

const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const sign = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** A bucket as a shop has it, in the store that the mesh runs. It is there once it was created. */
export class Bucket {
  readonly endpointUrl = process.env.S3_ENDPOINT_URL!;
  readonly accessKeyId = process.env.S3_ACCESS_KEY!;
  readonly secretAccessKey = process.env.S3_SECRET_KEY!;

  constructor(readonly name: string) {}

  async create(): Promise<void> {
    await this.send("PUT");
  }

  async put(key: string, text: string): Promise<void> {
    await this.send("PUT", key, "", text);
  }

  get(key: string): Promise<Buffer> {
    return this.send("GET", key);
  }

  async remove(key: string): Promise<void> {
    await this.send("DELETE", key);
  }

  async keys(): Promise<string[]> {
    const list = (await this.send("GET", "", "list-type=2")).toString();
    return [...list.matchAll(/<Key>(.*?)<\/Key>/g)].map((it) => it[1]!).sort();
  }

  /** Sends a request that is signed as Amazon's documentation says, version 4. */
  private async send(method: string, key = "", query = "", body = ""): Promise<Buffer> {
    const path = `/${this.name}${key && `/${key.split("/").map(encodeURIComponent).join("/")}`}`;
    const url = new URL(`${path}${query && `?${query}`}`, this.endpointUrl);
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const scope = `${time.slice(0, 8)}/us-east-1/s3/aws4_request`;
    const headers = { host: url.host, "x-amz-content-sha256": hash(body), "x-amz-date": time };
    const names = Object.keys(headers).join(";");
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join("");
    const request = [method, path, query.replace(/^([^=]+)$/, "$1="), lines, names, hash(body)].join("\n");
    const key4 = scope.split("/").reduce<string | Buffer>((key, part) => sign(key, part), `AWS4${this.secretAccessKey}`);
    const signature = sign(key4, ["AWS4-HMAC-SHA256", time, scope, hash(request)].join("\n")).toString("hex");
    const authorization = `AWS4-HMAC-SHA256 Credential=${this.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    const answer = await fetch(url, { method, headers: { ...headers, authorization }, ...(body && { body }) });
    if (!answer.ok) throw new Error(`the store answers ${answer.status} to ${method} ${path}: ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  }
}
