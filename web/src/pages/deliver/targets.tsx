import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, PlugZap, Server, Trash2 } from "lucide-react";
import { useState } from "react";
import { targetList, targets } from "~/api/delivery";
import { sentence } from "~/api/errors";
import type { Target } from "~/api/gen/sartiq/delivery/v1/target_pb";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { Page } from "~/components/page";
import { Empty, ErrorPanel, SkeletonRows } from "~/components/state";
import { errorToast, toast } from "~/components/toast";
import { TargetCreate } from "~/forms/target-create";
import { ago } from "~/lib/format";
import { uuid } from "~/lib/uuid";
import { Badge } from "~/ui/badge";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Table, type Column } from "~/ui/table";
import { TARGETS } from "./words";

export default function Targets() {
  const { manage } = useRights();
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(targetList());
  const [isCreating, setCreating] = useState(false);
  const [leaving, setLeaving] = useState<Target>();
  const reread = () => void cache.invalidateQueries({ queryKey: keys.targets() });
  const test = useMutation({
    mutationFn: (id: string) => targets.testTarget({ id }),
    onSuccess: ({ target, problem }) => {
      toast(problem ? `“${target?.name}” could not be reached.` : `“${target?.name}” works: a file was written, read and deleted.`, { isBad: problem !== "", ...(problem && { hint: sentence(problem) }) });
      reread();
    },
    onError: errorToast,
  });
  const remove = useMutation({
    mutationFn: (id: string) => targets.deleteTarget({ requestId: uuid(), id }),
    onSuccess: reread,
    onError: errorToast,
    onSettled: () => setLeaving(undefined),
  });
  const columns: Column<Target>[] = [
    { title: "Name", cell: (it) => <span className="font-medium">{it.name}</span> },
    { title: "State", clear: true, cell: (it) => { const [word, icon, tone] = TARGETS[it.state]; return <Badge icon={icon} tone={tone}>{word}</Badge>; } },
    { title: "Bucket", cell: (it) => <span className="break-all">{it.bucket?.name}/{it.bucket?.prefix}</span> },
    { title: "Store", cell: (it) => <span className="break-all text-soft">{it.bucket?.endpointUrl}</span>, className: "max-md:hidden" },
    { title: "Added", end: true, cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.createTime)}</span>, className: "max-md:hidden" },
    {
      title: "", end: true,
      cell: (it) => manage && (
        <span className="inline-flex gap-1.5">
          <Button small icon={PlugZap} busy={test.isPending && test.variables === it.id} onClick={() => test.mutate(it.id)}>Test<span className="sr-only"> {it.name}</span></Button>
          <Button small icon={Trash2} look="quiet" onClick={() => setLeaving(it)}>Delete<span className="sr-only"> {it.name}</span></Button>
        </span>
      ),
    },
  ];
  const add = manage && <Button look="primary" icon={Plus} onClick={() => setCreating(true)}>New target</Button>;
  return (
    <Page title="Targets" within="Deliver" actions={add}>
      {error && <ErrorPanel error={error} onRetry={refetch} />}
      {!data && !error && <SkeletonRows what="the targets" count={4} />}
      {data?.length === 0 && (
        <Empty icon={Server} title="No targets yet" action={add}>
          {manage ? "A target is a bucket of an S3-compatible store. Approved pictures are written there, each with a receipt." : "Owners and admins add the buckets that approved pictures are delivered to."}
        </Empty>
      )}
      {data && data.length > 0 && <Table label="Targets" columns={columns} rows={data} rowKey={(it) => it.id} />}
      {isCreating && <TargetCreate onClose={() => setCreating(false)} />}
      {leaving && (
        <Dialog
          title={`Delete “${leaving.name}”?`} onClose={() => setLeaving(undefined)}
          actions={<><Button onClick={() => setLeaving(undefined)}>Keep it</Button><Button look="danger" busy={remove.isPending} onClick={() => remove.mutate(leaving.id)}>Delete 1 target</Button></>}
        >
          <p>Its key is forgotten, and this cannot be undone. What was delivered stays where it is.</p>
        </Dialog>
      )}
    </Page>
  );
}
