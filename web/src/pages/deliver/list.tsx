import { useInfiniteQuery } from "@tanstack/react-query";
import { PackageOpen, Plus, Server } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { exportList, targetList } from "~/api/delivery";
import type { Export } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { Empty, ErrorPanel, SkeletonRows } from "~/components/state";
import { ExportBadge } from "~/components/states";
import { ExportCreate } from "~/forms/export-create";
import { ago, bytes } from "~/lib/format";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { Progress } from "~/ui/progress";
import { Table, type Column } from "~/ui/table";
import { useQuery } from "@tanstack/react-query";
import { isEnded } from "./words";

export default function Deliver() {
  const [params, setParams] = useSearchParams();
  const { make } = useRights();
  const isNew = make && (params.has("new") || params.has("shooting"));
  return isNew
    ? <ExportCreate shootingId={params.get("shooting") ?? ""} onShooting={(it) => setParams({ shooting: it }, { replace: true })} onClose={() => setParams({})} />
    : <Exports onNew={() => setParams({ new: "" })} />;
}

function Exports({ onNew }: { onNew: () => void }) {
  const list = useInfiniteQuery(exportList());
  const { make } = useRights();
  const shootings = useInfiniteQuery(shootingList(true)).data?.pages.flatMap((it) => it.shootings);
  const targets = useQuery(targetList()).data;
  const found = list.data?.pages.flatMap((it) => it.exports) ?? [];
  const columns: Column<Export>[] = [
    { title: "Name", cell: (it) => <Link to={paths.export(it.id)} className="font-medium hover:underline">{it.name}</Link>, className: "sm:min-w-40" },
    { title: "State", clear: true, cell: (it) => <ExportBadge state={it.state} /> },
    { title: "Progress", clear: true, cell: (it) => <Done export={it} />, className: "sm:min-w-36" },
    { title: "Shooting", cell: (it) => shootings?.find((other) => other.id === it.shootingId)?.name ?? "–", className: "max-md:hidden" },
    { title: "To", cell: (it) => (it.targetId ? (targets?.find((other) => other.id === it.targetId)?.name ?? "A target") : "Zip"), className: "max-md:hidden" },
    { title: "Size", end: true, cell: (it) => (it.sizeBytes > 0n ? bytes(it.sizeBytes) : "–"), className: "max-lg:hidden" },
    { title: "Created", end: true, cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.createTime)}</span> },
  ];
  const create = make && <Button look="primary" icon={Plus} onClick={onNew}>New export</Button>;
  return (
    <Page title="Deliver" actions={<><LinkButton to={paths.targets()} icon={Server}>Targets</LinkButton>{create}</>}>
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonRows what="the exports" />}
      {list.data && found.length === 0 && (
        <Empty icon={PackageOpen} title="Nothing was delivered yet" action={create}>
          {make ? "Choose the approved pictures of a shooting, and send them as a zip or to a bucket." : "Editors deliver approved pictures. What they send shows up here."}
        </Empty>
      )}
      {found.length > 0 && <Table label="Exports" columns={columns} rows={found} rowKey={(it) => it.id} />}
      <EndOfList list={list} />
    </Page>
  );
}

function Done({ export: { name, state, deliveredCount, failedCount, itemCount } }: { export: Export }) {
  return (
    <span className="flex items-center gap-2">
      <span className="whitespace-nowrap tabular-nums">{deliveredCount} of {itemCount}{failedCount > 0 && <span className="text-bad">, {failedCount} failed</span>}</span>
      {!isEnded(state) && <Progress label={`${name}: delivered`} value={(deliveredCount / Math.max(1, itemCount)) * 100} className="w-16" />}
    </span>
  );
}
