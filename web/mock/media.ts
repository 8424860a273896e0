import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter } from "@connectrpc/connect";
import { Media_Kind, Media_Origin, MediaSchema } from "~/api/gen/sartiq/media/v1/media_pb";
import { MediaService } from "~/api/gen/sartiq/media/v1/media_service_pb";
import { Upload_State, UploadSchema } from "~/api/gen/sartiq/media/v1/upload_pb";
import { UploadService } from "~/api/gen/sartiq/media/v1/upload_service_pb";
import { uuid } from "~/lib/uuid";
import { db, find, newest, page, put } from "./db";
import { emit } from "./events";

/** Adds a picture that is drawn, or one that was uploaded to `url`. Answers its id. */
export function addMedia(url: string, filename: string, origin = Media_Origin.UPLOAD): string {
  const about = create(MediaSchema, {
    id: uuid(), kind: Media_Kind.IMAGE, origin, filename, mediaType: "image/png", widthPx: 800, heightPx: 1000, createTime: timestampNow(),
  });
  return put(db.media, Object.assign(about, { url })).id;
}

export function media(router: ConnectRouter): void {
  router.service(MediaService, {
    getMedia: ({ id }) => ({ media: find(db.media, id, "media") }),
    batchGetMedia: ({ ids }) => ({ media: ids.map((id) => find(db.media, id, "media")) }),
    listMedia: (request) => {
      const { items, nextPageToken } = page(newest(db.media), request);
      return { media: items, nextPageToken };
    },
    signUrls: ({ urls }) => ({
      urls: urls.map(({ mediaId, longEdgePx }) => ({
        mediaId, longEdgePx, url: find(db.media, mediaId, "media").url, expireTime: timestampFromMs(Date.now() + 600_000),
      })),
    }),
    listAttachments: () => ({ attachments: [] }),
  });
  router.service(UploadService, {
    // The development server keeps what is put there.
    createUpload: ({ filename, mediaType, sizeBytes }) => {
      const upload = put(db.uploads, create(UploadSchema, { id: uuid(), state: Upload_State.CREATED, filename, mediaType, sizeBytes }));
      return { upload, parts: [{ number: 1, url: `/memory/${upload.id}`, sizeBytes, headers: { "content-type": mediaType } }] };
    },
    getUpload: ({ id }) => ({ upload: find(db.uploads, id, "upload") }),
    completeUpload: ({ id }) => {
      const upload = find(db.uploads, id, "upload");
      upload.mediaId ||= addMedia(`/memory/${id}`, upload.filename);
      upload.state = Upload_State.INGESTED;
      emit({ case: "mediaReady", value: { $typeName: "sartiq.event.v1.MediaReady", mediaId: upload.mediaId, uploadId: id, placeholder: new Uint8Array() } });
      return { upload, media: find(db.media, upload.mediaId, "media") };
    },
    abortUpload: ({ id }) => ({ upload: Object.assign(find(db.uploads, id, "upload"), { state: Upload_State.ABORTED }) }),
  });
}
