import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { ExportService } from "./gen/sartiq/delivery/v1/export_service_pb";
import { TargetService } from "./gen/sartiq/delivery/v1/target_service_pb";
import { keys } from "./keys";
import { everything, paged } from "./pages";
import { transport } from "./transport";

export const exports = createClient(ExportService, transport);
export const targets = createClient(TargetService, transport);

export const exportList = (shootingId = "") =>
  paged([...keys.exports(), { shootingId }], (page, options) => exports.listExports({ ...page, shootingId }, options));

export const exportQuery = (id: string) =>
  queryOptions({
    queryKey: keys.export(id),
    queryFn: async ({ signal }) => (await exports.getExport({ id }, { signal })).export!,
  });

export const exportItemList = (exportId: string) =>
  queryOptions({
    queryKey: keys.exportItems(exportId),
    queryFn: ({ signal }) =>
      everything((page, options) => exports.listExportItems({ ...page, exportId }, options), (it) => it.items, signal),
  });

export const targetList = () =>
  queryOptions({
    queryKey: keys.targets(),
    queryFn: ({ signal }) => everything(targets.listTargets, (it) => it.targets, signal),
  });

/** Saves the zip of an export. The URL is signed at this moment, and names the file. */
export async function download(id: string): Promise<void> {
  const { url } = await exports.signDownload({ id });
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
