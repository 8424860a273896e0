import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { Export_State, ExportItem_State, ExportItemSchema, ExportSchema, ReceiptSchema, type Export } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { ExportService } from "~/api/gen/sartiq/delivery/v1/export_service_pb";
import { Target_State, TargetSchema } from "~/api/gen/sartiq/delivery/v1/target_pb";
import { TargetService } from "~/api/gen/sartiq/delivery/v1/target_service_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { uuid } from "~/lib/uuid";
import { db, find, newest, page, put, refusal } from "./db";
import { emit } from "./events";
import { shotsOf } from "./shooting";

const itemsOf = (exportId: string) => [...db.exportItems.values()].filter((it) => it.exportId === exportId);

function tell(kind: "exportProgress" | "exportEnded", { id, shootingId, state, itemCount, deliveredCount, failedCount, problem }: Export): void {
  emit({ case: kind, value: { $typeName: "sartiq.event.v1.ExportChanged", exportId: id, shootingId, state: Export_State[state], itemCount, deliveredCount, failedCount, problem } });
}

/** An export of the name `fail` fails with its first picture, once. */
async function deliver(it: Export): Promise<void> {
  it.state = Export_State.DELIVERING;
  const items = itemsOf(it.id).filter((item) => item.state === ExportItem_State.PENDING);
  for (const item of items) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (it.state !== Export_State.DELIVERING) return;
    if (it.name === "fail" && item === items[0] && item.attemptCount === 0) {
      Object.assign(item, { state: ExportItem_State.FAILED, attemptCount: 1, problem: "The picture cannot be read." });
      it.failedCount += 1;
      continue;
    }
    Object.assign(item, {
      state: ExportItem_State.DELIVERED, attemptCount: item.attemptCount + 1, problem: "",
      receipt: create(ReceiptSchema, { location: item.filename, sha256: crypto.getRandomValues(new Uint8Array(32)), sizeBytes: 1_840_000n, deliverTime: timestampNow() }),
    });
    it.deliveredCount += 1;
    tell("exportProgress", it);
  }
  const state = it.failedCount === 0 ? Export_State.COMPLETED : it.deliveredCount === 0 ? Export_State.FAILED : Export_State.PARTIALLY_COMPLETED;
  Object.assign(it, { state, endTime: timestampNow(), sizeBytes: BigInt(it.itemCount) * 1_840_000n, downloadPath: it.targetId ? "" : `/exports/${it.id}/download` });
  tell("exportEnded", it);
}

export function delivery(router: ConnectRouter): void {
  router.service(ExportService, {
    createExport: ({ name, shootingId, shotIds, targetId, format }) => {
      const approved = shotsOf(shootingId).filter((it) => it.state === Shot_State.APPROVED && (shotIds.length === 0 || shotIds.includes(it.id)));
      if (approved.length === 0) throw refusal(Code.FailedPrecondition, "NOTHING_APPROVED", "no shot of the shooting is approved");
      const made = put(db.exports, create(ExportSchema, {
        id: uuid(), state: Export_State.QUEUED, name, shootingId, targetId, itemCount: approved.length, createTime: timestampNow(), ...(format && { format }),
      }));
      for (const [index, shot] of approved.entries()) {
        const item = create(ExportItemSchema, { id: uuid(), state: ExportItem_State.PENDING, shotId: shot.id, predictionId: shot.selectedPredictionId, filename: `picture-${index + 1}.jpg` });
        put(db.exportItems, Object.assign(item, { exportId: made.id }));
      }
      void deliver(made);
      return { export: made };
    },
    getExport: ({ id }) => ({ export: find(db.exports, id, "export") }),
    listExports: (request) => {
      const { items, nextPageToken } = page(newest(db.exports).filter((it) => !request.shootingId || it.shootingId === request.shootingId), request);
      return { exports: items, nextPageToken };
    },
    listExportItems: (request) => {
      const { items, nextPageToken } = page(itemsOf(find(db.exports, request.exportId, "export").id), request);
      return { items, nextPageToken };
    },
    retryExport: ({ id }) => {
      const found = find(db.exports, id, "export");
      for (const item of itemsOf(id)) if (item.state === ExportItem_State.FAILED) item.state = ExportItem_State.PENDING;
      found.failedCount = 0;
      void deliver(found);
      return { export: found };
    },
    signDownload: ({ id }) => ({ url: `/memory/${id}` }),
    cancelExport: ({ id }) => ({ export: Object.assign(find(db.exports, id, "export"), { state: Export_State.CANCELLED }) }),
  });
  router.service(TargetService, {
    createTarget: ({ name, bucket }) => ({
      target: put(db.targets, create(TargetSchema, { id: uuid(), name, state: Target_State.ACTIVE, createTime: timestampNow(), ...(bucket && { bucket: { ...bucket, secretAccessKey: "" } }) })),
    }),
    getTarget: ({ id }) => ({ target: find(db.targets, id, "target") }),
    listTargets: () => ({ targets: newest(db.targets) }),
    testTarget: ({ id }) => ({ target: find(db.targets, id, "target") }),
    deleteTarget: ({ id }) => {
      db.targets.delete(id);
      return {};
    },
  });
}
