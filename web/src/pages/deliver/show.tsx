import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, Download, RotateCcw, TriangleAlert } from "lucide-react";
import { Link, useParams } from "react-router";
import { download, exportItemList, exportQuery, exports, targetList } from "~/api/delivery";
import { useEvent } from "~/api/dispatch";
import { sentence } from "~/api/errors";
import { Export_State, ExportItem_State, type Export, type ExportItem } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { predictionQuery } from "~/api/generation";
import { shootingQuery } from "~/api/shooting";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { ErrorPanel, SkeletonRows } from "~/components/state";
import { ExportBadge, ExportItemBadge } from "~/components/states";
import { errorToast, toast } from "~/components/toast";
import { ago, bytes, count } from "~/lib/format";
import { uuid } from "~/lib/uuid";
import { paths } from "~/paths";
import { Button } from "~/ui/button";
import { Progress } from "~/ui/progress";
import { Table, type Column } from "~/ui/table";
import { formatWord, isEnded } from "./words";

export default function ExportPage() {
  const { id = "" } = useParams();
  const cache = useQueryClient();
  const { make } = useRights();
  const { data: found, error, refetch } = useQuery(exportQuery(id));
  const shooting = useQuery({ ...shootingQuery(found?.shootingId ?? ""), enabled: found !== undefined }).data;
  const target = useQuery({ ...targetList(), enabled: Boolean(found?.targetId) }).data?.find((it) => it.id === found?.targetId);
  const put = ({ export: next }: { export?: Export }) => {
    cache.setQueryData(keys.export(id), next);
    void cache.invalidateQueries({ queryKey: keys.exportItems(id) });
    void cache.invalidateQueries({ queryKey: keys.exports() });
  };
  const retry = useMutation({ mutationFn: () => exports.retryExport({ requestId: uuid(), id }), onSuccess: put, onError: errorToast });
  const cancel = useMutation({
    mutationFn: () => exports.cancelExport({ requestId: uuid(), id }),
    onSuccess: (answer) => {
      put(answer);
      toast("Cancelled. What was delivered stays delivered.");
    },
    onError: errorToast,
  });
  const save = useMutation({ mutationFn: () => download(id), onError: errorToast });
  // The counts are shown as they are told, before anything is read again.
  useEvent("exportProgress", ({ exportId, deliveredCount, failedCount, itemCount, problem }) => {
    if (exportId === id) cache.setQueryData<Export>(keys.export(id), (before) => before && { ...before, deliveredCount, failedCount, itemCount, problem });
  });
  if (error) return <Page title="Export" within="Deliver"><ErrorPanel error={error} onRetry={refetch} /></Page>;
  if (!found) return <Page title="Export" within="Deliver"><SkeletonRows what="the export" /></Page>;

  const { state, itemCount, deliveredCount, failedCount, problem } = found;
  const isOver = isEnded(state);
  const isZip = !found.targetId;
  const facts: [string, React.ReactNode][] = [
    ["Shooting", <Link key="shooting" to={paths.shooting(found.shootingId)} className="inline-flex min-h-6 items-center underline decoration-line hover:decoration-current">{shooting?.name ?? "…"}</Link>],
    ["To", isZip ? "Zip" : <Link key="target" to={paths.targets()} className="hover:underline">{target ? `${target.name} (${target.bucket?.name}/${target.bucket?.prefix ?? ""})` : "A target"}</Link>],
    ["Files", formatWord(found.format)],
    ["Size", found.sizeBytes > 0n ? bytes(found.sizeBytes) : ""],
    ["Created", ago(found.createTime)],
    ["Ended", ago(found.endTime)],
  ];
  return (
    <Page
      title={found.name} within="Deliver" aside={<ExportBadge state={state} />}
      actions={<>
        {make && !isOver && <Button icon={Ban} busy={cancel.isPending} onClick={() => cancel.mutate()}>Cancel</Button>}
        {make && isOver && failedCount > 0 && <Button icon={RotateCcw} look={found.downloadPath ? "plain" : "primary"} busy={retry.isPending} onClick={() => retry.mutate()}>Retry {count(failedCount, "failed item")}</Button>}
        {isZip && <Button icon={Download} look="primary" busy={save.isPending} reason={!found.downloadPath && (isOver ? (state === Export_State.CANCELLED ? "It was cancelled: there is no zip." : "The zip has expired, or there is none. Create the export again.") : "The zip is being made.")} onClick={() => save.mutate()}>Download</Button>}
      </>}
    >
      <div className="mb-4 grid gap-3">
        <div>
          <div className="mb-1 flex items-baseline justify-between gap-3">
            <p role="status" className="tabular-nums">{deliveredCount} of {count(itemCount, "file")} delivered{failedCount > 0 && <span className="text-bad">, {failedCount} failed</span>}</p>
          </div>
          <Progress label="Delivered" value={((deliveredCount + failedCount) / Math.max(1, itemCount)) * 100} className="h-1.5" />
        </div>
        {problem && state !== Export_State.COMPLETED && (
          <p role="alert" className="flex items-start gap-2 text-warn"><TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0" /><span>{sentence(problem)}{state === Export_State.WAITING && <span className="text-soft"> It is tried again by itself. Owners and admins can test the target or give it another key.</span>}</span></p>
        )}
        <dl className="flex flex-wrap items-center gap-x-6 gap-y-1">
          {facts.filter(([, it]) => it !== "").map(([name, value]) => <div key={name} className="flex items-center gap-1.5"><dt className="text-soft">{name}</dt><dd>{value}</dd></div>)}
        </dl>
      </div>
      <Items exportId={id} />
    </Page>
  );
}

const hex = (value: Uint8Array) => Array.from(value, (it) => it.toString(16).padStart(2, "0")).join("");

function Items({ exportId }: { exportId: string }) {
  const { data, error, refetch } = useQuery(exportItemList(exportId));
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  if (!data) return <SkeletonRows what="the files" />;
  const columns: Column<ExportItem>[] = [
    { title: "File", cell: (it) => <span className="flex items-center gap-2.5"><Thumb item={it} /><span className="break-all font-medium">{it.filename}</span></span>, className: "sm:min-w-44" },
    {
      title: "State", clear: true,
      cell: (it) => <span className="grid"><ExportItemBadge state={it.state} />{it.problem && it.state !== ExportItem_State.DELIVERED && <span className="max-w-72 text-xs text-bad">{sentence(it.problem)}</span>}</span>,
    },
    { title: "Where", cell: (it) => <span className="break-all text-soft">{it.receipt?.location ?? "–"}</span>, className: "max-md:hidden" },
    { title: "Receipt", cell: (it) => <Receipt item={it} />, className: "max-lg:hidden" },
    { title: "Size", end: true, cell: (it) => (it.receipt ? bytes(it.receipt.sizeBytes) : "–") },
    { title: "Tries", end: true, cell: (it) => it.attemptCount, className: "max-md:hidden" },
    { title: "Delivered", end: true, cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.receipt?.deliverTime) || "–"}</span> },
  ];
  return <Table label="Files and receipts" columns={columns} rows={data} rowKey={(it) => it.id} />;
}

function Thumb({ item }: { item: ExportItem }) {
  const mediaId = useQuery(predictionQuery(item.predictionId)).data?.mediaId ?? "";
  return <Picture mediaId={mediaId} alt="" edge={256} className="h-11 w-9 shrink-0 rounded-sm" />;
}

/** What the receiver confirmed. */
function Receipt({ item: { receipt } }: { item: ExportItem }) {
  if (!receipt) return <span className="text-soft">–</span>;
  const sum = hex(receipt.sha256);
  return (
    <span className="grid text-xs text-soft">
      <code title={`SHA-256 ${sum}`}>{sum.slice(0, 12)}…</code>
      {receipt.remoteId && <span className="max-w-40 truncate" title={receipt.remoteId}>{receipt.remoteId}</span>}
    </span>
  );
}
