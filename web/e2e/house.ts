import { createHash, randomUUID } from "node:crypto";
import { Code, ConnectError, createClient, type Client, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { DescService } from "@bufbuild/protobuf";
import { retryDelay } from "~/api/errors";
import { ProductPhoto_Slot as Slot, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { ProductService } from "~/api/gen/sartiq/catalog/v1/product_service_pb";
import { ShotTypeService } from "~/api/gen/sartiq/catalog/v1/shot_type_service_pb";
import { StyleService } from "~/api/gen/sartiq/catalog/v1/style_service_pb";
import { SubjectService } from "~/api/gen/sartiq/catalog/v1/subject_service_pb";
import { ExportService } from "~/api/gen/sartiq/delivery/v1/export_service_pb";
import { TargetService } from "~/api/gen/sartiq/delivery/v1/target_service_pb";
import { EventService } from "~/api/gen/sartiq/event/v1/event_service_pb";
import { Generation_State } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { GenerationService } from "~/api/gen/sartiq/generation/v1/generation_service_pb";
import { PredictionService } from "~/api/gen/sartiq/generation/v1/prediction_service_pb";
import { AuthService } from "~/api/gen/sartiq/identity/v1/auth_service_pb";
import type { SessionTokens } from "~/api/gen/sartiq/identity/v1/session_pb";
import { MediaService } from "~/api/gen/sartiq/media/v1/media_service_pb";
import { UploadService } from "~/api/gen/sartiq/media/v1/upload_service_pb";
import { LookService } from "~/api/gen/sartiq/shooting/v1/look_service_pb";
import { ReviewService } from "~/api/gen/sartiq/shooting/v1/review_service_pb";
import { ShootingService } from "~/api/gen/sartiq/shooting/v1/shooting_service_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { ShotService } from "~/api/gen/sartiq/shooting/v1/shot_service_pb";
import { eventually } from "./eventually";
import { print, type Photo } from "./photos";

/** More products of a studio share a photo. */
const MOST_PHOTOS = 20;
const PASSWORD = "a password of twelve";

/** Who calls too often is told for how long to wait, and does. The pages and what looks at them from outside share one user's calls. */
const wait: Interceptor = (next) => async (request) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await next(request);
    } catch (error) {
      if (ConnectError.from(error).code !== Code.ResourceExhausted || attempt === 10) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryDelay(error, attempt)));
    }
  }
};

function transportOf(token: string): Transport {
  const sign: Interceptor = (next) => (request) => {
    if (token) request.header.set("authorization", `Bearer ${token}`);
    return next(request);
  };
  return createGrpcWebTransport({ baseUrl: process.env.GATEWAY_URL!, interceptors: [wait, sign], defaultTimeoutMs: 30_000 });
}

const auth = createClient(AuthService, transportOf(""));

/** Everything that a shooting is made of. */
export interface Studio { shootingId: string; products: Product[]; shotTypeIds: string[]; shots: Shot[] }

/** An organization and its owner, through the gateway but not through the browser. */
export class House {
  private readonly transport: Transport;

  private constructor(readonly email: string, readonly name: string, readonly organizationId: string, token: string) {
    this.transport = transportOf(token);
  }

  static async signUp(name: string): Promise<House> {
    const unique = randomUUID().slice(0, 8);
    const email = `${unique}@e2e.example`;
    const organizationName = `${name} ${unique}`;
    const { tokens } = await auth.signUp({ requestId: randomUUID(), email, password: PASSWORD, name: "Olga Owner", organizationName });
    return new House(email, organizationName, tokens!.organizationId, tokens!.accessToken);
  }

  get password(): string {
    return PASSWORD;
  }

  client<S extends DescService>(service: S): Client<S> {
    return createClient(service, this.transport);
  }

  /** A session for a browser, in the form in which the app keeps it. */
  async session(): Promise<object> {
    const { tokens } = await auth.login({ email: this.email, password: PASSWORD, device: "e2e" });
    const { sessionId: id, organizationId, role, refreshToken } = tokens as SessionTokens;
    return { id, organizationId, role, refreshToken };
  }

  /** Brings a photo in; answers the id of its media. */
  async upload({ name, type, bytes }: Photo): Promise<string> {
    const uploads = this.client(UploadService);
    const { upload, parts } = await uploads.createUpload({
      requestId: randomUUID(), filename: name, mediaType: type, sizeBytes: BigInt(bytes.length), sha256: createHash("sha256").update(bytes).digest(),
    });
    for (const { url, headers } of parts) {
      const answer = await fetch(url, { method: "PUT", headers, body: new Uint8Array(bytes) });
      if (!answer.ok) throw new Error(`the store answers ${answer.status}: ${await answer.text()}`);
    }
    const { media } = await uploads.completeUpload({ requestId: randomUUID(), id: upload!.id });
    return media!.id;
  }

  /** Adds products, each with a front photo. */
  async addProducts(count: number): Promise<Product[]> {
    const photos = await print(count, "garment");
    return Promise.all(photos.map(async (photo, index) => {
      const mediaId = await this.upload(photo);
      const product = { name: `Shirt ${index + 1}`, sku: `SH-${index + 1}`, description: "A linen shirt.", photos: [{ slot: Slot.FRONT, mediaId }] };
      const answer = await this.client(ProductService).createProduct({ requestId: randomUUID(), product });
      return answer.product!;
    }));
  }

  /** Adds products that all show the same photo. */
  async addAlike(count: number): Promise<Product[]> {
    const [photo] = await print(1, "garment");
    const mediaId = await this.upload(photo!);
    const names = Array.from({ length: count }, (_, index) => `Shirt ${index + 1}`);
    const made: Product[] = [];
    while (names.length > 0) {
      const some = names.splice(0, 10).map((name) => this.products.createProduct({ requestId: randomUUID(), product: { name, photos: [{ slot: Slot.FRONT, mediaId }] } }));
      made.push(...(await Promise.all(some)).map((it) => it.product!));
    }
    return made;
  }

  async addSubject(name = "Mara"): Promise<string> {
    const subject = { handle: name.toLowerCase(), name, description: "Late twenties, calm look, natural skin." };
    return (await this.client(SubjectService).createSubject({ requestId: randomUUID(), subject })).subject!.id;
  }

  async addStyle(name = "Daylight"): Promise<string> {
    const style = { name, prompt: "Honest colour, fine grain.", light: "soft daylight", background: "plain light grey" };
    return (await this.client(StyleService).createStyle({ requestId: randomUUID(), style })).style!.id;
  }

  /** Adds shot types of small pictures, which are made fast. */
  addShotTypes(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, async (_, index) => {
      const shotType = {
        code: `small-${index + 1}`, name: `Small ${index + 1}`, framing: "full body", angle: "eye level", pose: "standing",
        widthPx: 256, heightPx: 320, defaultVariants: 1,
      };
      return (await this.client(ShotTypeService).createShotType({ requestId: randomUUID(), shotType })).shotType!.id;
    }));
  }

  /** A shooting with `looks` looks of `shots` shots each. Many share one photo. */
  async studio(looks: number, shots: number): Promise<Studio> {
    const [products, subjectId, styleId, shotTypeIds] = await Promise.all([
      looks <= MOST_PHOTOS ? this.addProducts(looks) : this.addAlike(looks), this.addSubject(), this.addStyle(), this.addShotTypes(shots),
    ]);
    const { shooting } = await this.client(ShootingService).createShooting({ requestId: randomUUID(), shooting: { name: "Spring", brief: "Calm and light." } });
    const shootingId = shooting!.id;
    const made: Shot[] = [];
    for (let at = 0; at < products.length; at += 100) {
      const looks = products.slice(at, at + 100).map(({ id }) => ({ productId: id, subjectId, styleId, shotTypeIds }));
      made.push(...(await this.looks.batchCreateLooks({ requestId: randomUUID(), shootingId, looks })).shots);
    }
    return { shootingId, products, shotTypeIds, shots: made };
  }

  /** Generates pictures for shots, and waits until all of them are there. */
  async generate(studio: Studio, variantCount = 1, shots = studio.shots): Promise<void> {
    const inputs = shots.map(({ id }) => ({ shotId: id, variantCount }));
    const { generations } = await this.generations.batchStartGenerations({ requestId: randomUUID(), generations: inputs });
    const wanted = generations.map((it) => it.id);
    await eventually("all pictures are there", async () => {
      const { generations: present } = await this.generations.listGenerations({ shootingId: studio.shootingId, pageSize: 200 });
      const ended = present.filter((it) => wanted.includes(it.id) && it.state === Generation_State.COMPLETED);
      return ended.length === wanted.length;
    }, 150_000);
    const ids = shots.map((it) => it.id);
    await eventually("all shots can be reviewed", async () => {
      const present = await this.shots(studio.shootingId);
      return present.filter((it) => ids.includes(it.id)).every((it) => it.state === Shot_State.TO_REVIEW);
    });
  }

  /** Approves the first picture of each shot. */
  async approve(studio: Studio): Promise<void> {
    await Promise.all(studio.shots.map(async ({ id: shotId }) => {
      const { predictions } = await this.predictions.listPredictions({ shotId });
      await this.reviews.approvePrediction({ requestId: randomUUID(), predictionId: predictions[0]!.id });
    }));
  }

  /** The bytes of a picture as it was made. */
  async bytesOf(predictionId: string): Promise<Buffer> {
    const { prediction } = await this.predictions.getPrediction({ id: predictionId });
    const { urls } = await this.media.signUrls({ urls: [{ mediaId: prediction!.mediaId, longEdgePx: 0 }] });
    return Buffer.from(await (await fetch(urls[0]!.url)).arrayBuffer());
  }

  async shots(shootingId: string): Promise<Shot[]> {
    return (await this.client(ShotService).listShots({ shootingId, pageSize: 200 })).shots;
  }

  get generations() { return this.client(GenerationService); }
  get predictions() { return this.client(PredictionService); }
  get reviews() { return this.client(ReviewService); }
  get looks() { return this.client(LookService); }
  get products() { return this.client(ProductService); }
  get media() { return this.client(MediaService); }
  get shootings() { return this.client(ShootingService); }
  get exports() { return this.client(ExportService); }
  get targets() { return this.client(TargetService); }
  get events() { return this.client(EventService); }
}
