import { Code, ConnectError } from "@connectrpc/connect";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { Guideline } from "~/api/gen/sartiq/catalog/v1/guideline_pb";
import type { Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import type { ShotType } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import type { Style } from "~/api/gen/sartiq/catalog/v1/style_pb";
import type { Subject } from "~/api/gen/sartiq/catalog/v1/subject_pb";
import type { Workflow } from "~/api/gen/sartiq/compute/v1/workflow_pb";
import type { Task } from "~/api/gen/sartiq/compute/v1/task_pb";
import type { Export, ExportItem } from "~/api/gen/sartiq/delivery/v1/export_pb";
import type { Target } from "~/api/gen/sartiq/delivery/v1/target_pb";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import type { Member } from "~/api/gen/sartiq/identity/v1/member_pb";
import type { Media } from "~/api/gen/sartiq/media/v1/media_pb";
import type { Upload } from "~/api/gen/sartiq/media/v1/upload_pb";
import type { Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { ErrorInfoSchema } from "~/api/gen/google/rpc/error_details_pb";
import { uuid } from "~/lib/uuid";

/** Everything that the in-memory services know, until the page is reloaded. Newest last. */
export const db = {
  members: new Map<string, Member>(),
  media: new Map<string, Media & { url: string }>(),
  uploads: new Map<string, Upload>(),
  products: new Map<string, Product>(),
  subjects: new Map<string, Subject>(),
  styles: new Map<string, Style>(),
  guidelines: new Map<string, Guideline>(),
  shotTypes: new Map<string, ShotType>(),
  shootings: new Map<string, Shooting>(),
  looks: new Map<string, Look>(),
  shots: new Map<string, Shot>(),
  decisions: new Map<string, Decision>(),
  generations: new Map<string, Generation>(),
  predictions: new Map<string, Prediction>(),
  workflows: new Map<string, Workflow>(),
  tasks: new Map<string, Task>(),
  exports: new Map<string, Export>(),
  exportItems: new Map<string, ExportItem & { exportId: string }>(),
  targets: new Map<string, Target>(),
};

/** Puts `item` into its table. */
export function put<T extends { id: string }>(table: Map<string, T>, item: T): T {
  table.set(item.id, item);
  return item;
}

/** What new objects begin with. */
export function fresh() {
  return { id: uuid(), etag: "1", createTime: timestampNow(), updateTime: timestampNow() };
}

export function find<T>(table: Map<string, T>, id: string, noun: string): T {
  const found = table.get(id);
  if (!found) throw refusal(Code.NotFound, `${noun.toUpperCase()}_NOT_FOUND`, `${noun} ${id} does not exist`);
  return found;
}

export function refusal(code: Code, reason: string, message: string): ConnectError {
  return new ConnectError(message, code, undefined, [{ desc: ErrorInfoSchema, value: { reason, domain: "sartiq" } }]);
}

/** A page of `items`, as lists answer it. */
export function page<T>(items: T[], { pageSize, pageToken }: { pageSize: number; pageToken: string }): { items: T[]; nextPageToken: string } {
  const start = Number(pageToken || 0);
  const end = start + (pageSize || 50);
  return { items: items.slice(start, end), nextPageToken: end < items.length ? String(end) : "" };
}

export function newest<T>(table: Map<string, T>): T[] {
  return [...table.values()].reverse();
}

/** Writes the fields of `input` that the mask names, if `etag` is the one that was read. */
export function patch<T extends { etag: string }>(
  target: T, input: object, mask: { paths: string[] } | undefined, etag = "",
): void {
  if (etag && etag !== target.etag) throw refusal(Code.Aborted, "ETAG_MISMATCH", `it was changed since it was read; its etag is now ${target.etag}`);
  for (const path of mask?.paths ?? []) {
    const field = path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    Object.assign(target, { [field]: input[field as keyof typeof input] });
  }
  Object.assign(target, { etag: String(Number(target.etag) + 1), updateTime: timestampNow() });
}
