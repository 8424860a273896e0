import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2, UserPlus } from "lucide-react";
import { useState } from "react";
import { Role } from "~/api/gen/sartiq/identity/v1/role_pb";
import type { Member } from "~/api/gen/sartiq/identity/v1/member_pb";
import { memberList, members, meQuery, ROLE_NAMES, useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { ErrorPanel, SkeletonRows } from "~/components/state";
import { errorToast, toast } from "~/components/toast";
import { InviteForm } from "~/forms/invite-create";
import { ago } from "~/lib/format";
import { uuid } from "~/lib/uuid";
import { Button, IconButton } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Select } from "~/ui/field";
import { Table } from "~/ui/table";

export function Members() {
  const cache = useQueryClient();
  const { data, error, refetch } = useQuery(memberList());
  const myId = useQuery(meQuery()).data?.user?.id;
  const { manage, role: own } = useRights();
  const [isInviting, setInviting] = useState(false);
  const [leaving, setLeaving] = useState<Member>();
  const settled = { onError: errorToast, onSettled: () => cache.invalidateQueries({ queryKey: keys.members() }) };
  const change = useMutation({
    mutationFn: ({ userId, role }: { userId: string; role: Role }) => members.updateMemberRole({ requestId: uuid(), userId, role }),
    onSuccess: ({ member }) => toast(`${member!.name} is ${ROLE_NAMES[member!.role].toLowerCase()} now.`),
    ...settled,
  });
  const remove = useMutation({
    mutationFn: (userId: string) => members.removeMember({ requestId: uuid(), userId }),
    onSuccess: () => setLeaving(undefined),
    ...settled,
  });
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  if (!data) return <SkeletonRows what="members" count={4} />;
  const mayChange = (it: Member) => manage && it.userId !== myId && own <= it.role;
  const roles = [Role.OWNER, Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER].filter((it) => own <= it);
  return (
    <div className="grid grid-cols-1 gap-3">
      <div className="flex items-center justify-between gap-3">
        <p className="text-soft">Whoever works in this organization, and what they may do.</p>
        <Button look="primary" icon={UserPlus} onClick={() => setInviting(true)} reason={!manage && "Owners and admins may invite."}>Invite</Button>
      </div>
      <Table
        label="Members"
        rows={data}
        rowKey={(it) => it.userId}
        columns={[
          { title: "Name", cell: (it) => <span className="font-medium">{it.name}{it.userId === myId && <span className="font-normal text-soft"> (you)</span>}</span> },
          { title: "E-mail", clear: true, cell: (it) => it.email },
          {
            title: "Role", clear: true,
            cell: (it) => mayChange(it) ? (
              <Select label={`Role of ${it.name}`} hideLabel value={it.role} onChange={(event) => change.mutate({ userId: it.userId, role: Number(event.target.value) })}>
                {roles.map((role) => <option key={role} value={role}>{ROLE_NAMES[role]}</option>)}
              </Select>
            ) : ROLE_NAMES[it.role],
          },
          { title: "Joined", cell: (it) => <span className="whitespace-nowrap">{ago(it.createTime)}</span>, className: "max-sm:hidden" },
          { title: "", end: true, cell: (it) => mayChange(it) && <IconButton label={`Remove ${it.name}`} icon={Trash2} onClick={() => setLeaving(it)} /> },
        ]}
      />
      {isInviting && <InviteForm onClose={() => setInviting(false)} />}
      {leaving && (
        <Dialog
          title={`Remove ${leaving.name}?`}
          onClose={() => setLeaving(undefined)}
          actions={<Button look="danger" busy={remove.isPending} onClick={() => remove.mutate(leaving.userId)}>Remove 1 member</Button>}
        >
          {leaving.email} is signed out of this organization at once. To come back, they must be invited again.
        </Dialog>
      )}
    </div>
  );
}
