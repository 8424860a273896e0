import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { batched } from "~/lib/batch";
import { MediaService } from "./gen/sartiq/media/v1/media_service_pb";
import type { SignedUrl } from "./gen/sartiq/media/v1/media_service_pb";
import { keys } from "./keys";
import { transport } from "./transport";

export const media = createClient(MediaService, transport);

/** The longest edges of the renditions; 0 is the file itself. */
export type Edge = 0 | 256 | 512 | 1280;

const loadMedia = batched((ids) => media.batchGetMedia({ ids }).then((it) => it.media), 100);

/** A media does not change. Those that are asked for together are read together. */
export const mediaQuery = (id: string) =>
  queryOptions({ queryKey: keys.media(id), queryFn: () => loadMedia(id), enabled: id !== "", staleTime: Infinity, gcTime: 3_600_000 });

const loadUrl = batched<SignedUrl>(async (wanted) => {
  const urls = wanted.map((it) => {
    const [mediaId = "", longEdgePx] = it.split("/");
    return { mediaId, longEdgePx: Number(longEdgePx) };
  });
  return (await media.signUrls({ urls })).urls;
}, 200);

/** Where the bytes are right now. Signed in batches, and kept for as long as the signature holds. */
export const urlQuery = (id: string, edge: Edge) =>
  queryOptions({
    queryKey: keys.url(id, edge),
    queryFn: async () => {
      // A picture can be older than its smaller forms: then the file itself is shown.
      const signed = await loadUrl(`${id}/${edge}`).catch((error: unknown) => {
        if (edge === 0) throw error;
        return loadUrl(`${id}/0`);
      });
      return { url: signed.url, until: signed.expireTime ? timestampDate(signed.expireTime).getTime() : 0 };
    },
    enabled: id !== "",
    staleTime: ({ state }) => Math.max(0, (state.data?.until ?? 0) - state.dataUpdatedAt - 60_000),
    gcTime: 600_000,
    refetchOnWindowFocus: false,
  });
