import { useInfiniteQuery } from "@tanstack/react-query";
import { Aperture, Archive, ArchiveRestore, Plus } from "lucide-react";
import { Link, useSearchParams } from "react-router";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { shotTotal, StageBar } from "~/components/stages";
import { Empty, ErrorPanel, NoMatch, SkeletonGrid } from "~/components/state";
import { ShootingBadge } from "~/components/states";
import { ShootingCreate } from "~/forms/shooting-create";
import { ago } from "~/lib/format";
import { paths } from "~/paths";
import { Button, IconButton } from "~/ui/button";
import { Checkbox } from "~/ui/field";
import { Table, type Column } from "~/ui/table";
import { Segmented } from "~/ui/tabs";
import { useArchive } from "./archive";
import { Board } from "./board";

type View = "board" | "table";

export default function Shootings() {
  const [params, setParams] = useSearchParams();
  const view: View = params.get("view") === "table" ? "table" : "board";
  const showArchived = params.has("archived");
  const set = (name: string, value: string | undefined) =>
    setParams((before) => { if (value === undefined) before.delete(name); else before.set(name, value); return before; }, { replace: true });
  const list = useInfiniteQuery(shootingList(showArchived));
  const { make } = useRights();
  const { toggle } = useArchive();
  const found = list.data?.pages.flatMap((it) => it.shootings) ?? [];
  const create = make && <Button look="primary" icon={Plus} onClick={() => set("new", "")}>New shooting</Button>;
  const archive = (it: Shooting) => make && (
    <IconButton
      label={it.state === Shooting_State.ARCHIVED ? `Bring back ${it.name}` : `Archive ${it.name}`}
      icon={it.state === Shooting_State.ARCHIVED ? ArchiveRestore : Archive}
      reason={(it.shots?.generating ?? 0) > 0 && "A generation of the shooting is running."}
      onClick={() => toggle(it)}
      className="size-7"
    />
  );
  const columns: Column<Shooting>[] = [
    { title: "Name", cell: (it) => <Link to={paths.shooting(it.id)} className="font-medium hover:underline">{it.name}</Link>, className: "sm:min-w-40" },
    { title: "State", clear: true, cell: (it) => <ShootingBadge state={it.state} /> },
    { title: "Looks", end: true, cell: (it) => it.lookCount },
    { title: "Progress", cell: (it) => <StageBar shots={it.shots} className="w-40" />, className: "w-44", clear: true },
    { title: "Approved", end: true, cell: (it) => `${it.shots?.approved ?? 0} of ${shotTotal(it.shots)}`, className: "whitespace-nowrap" },
    { title: "Changed", end: true, cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.updateTime)}</span> },
    { title: "", end: true, cell: archive },
  ];
  return (
    <Page
      title="Shootings"
      actions={create}
      below={
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <Segmented label="View" value={view} options={[["board", "Board"], ["table", "Table"]]} onChange={(it) => set("view", it === "board" ? undefined : it)} />
          <Checkbox label="Archived, too" checked={showArchived} onChange={(it) => set("archived", it.target.checked ? "" : undefined)} />
        </div>
      }
    >
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonGrid what="the shootings" count={8} className="h-28" />}
      {list.data && found.length === 0 && (showArchived
        ? <NoMatch filters="the filter" onClear={() => set("archived", undefined)} />
        : <Empty icon={Aperture} title="No shootings yet" action={create}>A shooting is a set of looks that is generated, reviewed and delivered together.</Empty>)}
      {found.length > 0 && (view === "table"
        ? <Table label="Shootings" columns={columns} rows={found} rowKey={(it) => it.id} />
        : <Board shootings={found} archive={archive} showArchived={showArchived} />)}
      <EndOfList list={list} />
      {params.has("new") && make && <ShootingCreate onClose={() => set("new", undefined)} />}
    </Page>
  );
}
