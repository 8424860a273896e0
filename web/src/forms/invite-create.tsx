import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Role } from "~/api/gen/sartiq/identity/v1/role_pb";
import { members, ROLE_NAMES, useRights } from "~/api/identity";
import { useSubmit } from "~/components/form";
import { ErrorPanel } from "~/components/state";
import { paths } from "~/paths";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Input, Select } from "~/ui/field";

const ABOUT: Partial<Record<Role, string>> = {
  [Role.OWNER]: "May do everything.",
  [Role.ADMIN]: "Manages members, targets and settings, and does all that editors do.",
  [Role.EDITOR]: "Makes products, shootings and generations, and decides on pictures.",
  [Role.REVIEWER]: "Approves and rejects.",
  [Role.VIEWER]: "Looks.",
};

/** Invites somebody, and shows the link to hand over. */
export function InviteForm({ onClose }: { onClose: () => void }) {
  const { role: own } = useRights();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState(Role.EDITOR);
  const { onSubmit, busy, error, fieldError, data } = useSubmit((requestId) => members.inviteMember({ requestId, email, role }));
  if (data) return <Link email={email} token={data.token} onClose={onClose} />;
  return (
    <Dialog title="Invite somebody" onClose={onClose} actions={<Button type="submit" form="invite" look="primary" busy={busy}>Create invitation</Button>}>
      <form id="invite" onSubmit={onSubmit} className="grid grid-cols-1 gap-3">
        <Input label="E-mail" type="email" required autoFocus value={email} onChange={(it) => setEmail(it.target.value)} error={fieldError("email")} />
        <Select label="Role" value={role} onChange={(it) => setRole(Number(it.target.value))} hint={ABOUT[role]} error={fieldError("role")}>
          {[Role.OWNER, Role.ADMIN, Role.EDITOR, Role.REVIEWER, Role.VIEWER].filter((it) => own <= it).map((it) => (
            <option key={it} value={it}>{ROLE_NAMES[it]}</option>
          ))}
        </Select>
        {error !== undefined && <ErrorPanel error={error} />}
      </form>
    </Dialog>
  );
}

function Link({ email, token, onClose }: { email: string; token: string; onClose: () => void }) {
  const [isCopied, setCopied] = useState(false);
  const url = window.location.origin + paths.invite(token);
  const copy = () => void navigator.clipboard?.writeText(url).then(() => setCopied(true));
  return (
    <Dialog title="Invitation created" onClose={onClose} actions={<Button look="primary" onClick={onClose}>Done</Button>}>
      <p className="mb-3">Hand this link to {email}. It is shown this once.</p>
      <div className="flex items-end gap-2">
        <Input label="Link" readOnly value={url} onFocus={(it) => it.target.select()} className="flex-1" />
        <Button icon={isCopied ? Check : Copy} onClick={copy}>{isCopied ? "Copied" : "Copy"}</Button>
      </div>
    </Dialog>
  );
}
