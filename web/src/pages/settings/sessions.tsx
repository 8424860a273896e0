import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MonitorSmartphone } from "lucide-react";
import { sessionList, sessions } from "~/api/identity";
import { keys } from "~/api/keys";
import { ErrorPanel, SkeletonRows } from "~/components/state";
import { errorToast, toast } from "~/components/toast";
import { ago } from "~/lib/format";
import { uuid } from "~/lib/uuid";
import { Badge } from "~/ui/badge";
import { Button } from "~/ui/button";
import { Table } from "~/ui/table";

export function Sessions() {
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(sessionList());
  const revoke = useMutation({
    mutationFn: (id: string) => sessions.revokeSession({ requestId: uuid(), id }),
    onSuccess: () => {
      toast("Signed out there.");
      return cache.invalidateQueries({ queryKey: keys.sessions() });
    },
    onError: errorToast,
  });
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  if (!data) return <SkeletonRows what="sessions" count={3} />;
  return (
    <Table
      label="Sessions"
      rows={data}
      rowKey={(it) => it.id}
      columns={[
        { title: "Device", cell: (it) => it.device || "Unknown" },
        { title: "Signed in", cell: (it) => ago(it.createTime) },
        { title: "Last seen", cell: (it) => ago(it.refreshTime) },
        {
          title: "", end: true,
          cell: (it) => it.current
            ? <Badge icon={MonitorSmartphone} tone="accent">This one</Badge>
            : <Button small onClick={() => revoke.mutate(it.id)} busy={revoke.isPending && revoke.variables === it.id}>Sign out</Button>,
        },
      ]}
    />
  );
}
