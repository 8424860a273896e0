import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { organizationList, organizations, useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { session } from "~/api/session";
import { useSubmit } from "~/components/form";
import { ErrorPanel, SkeletonRows } from "~/components/state";
import { toast } from "~/components/toast";
import { useStore } from "~/lib/store";
import { Button } from "~/ui/button";
import { Input } from "~/ui/field";

export function Organization() {
  const { data, error, refetch } = useQuery(organizationList());
  const id = useStore(session)?.organizationId;
  const found = data?.find((it) => it.id === id);
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  if (!found) return <SkeletonRows what="the organization" count={2} />;
  return <OrganizationForm name={found.name} />;
}

function OrganizationForm({ name: before }: { name: string }) {
  const cache = useQueryClient();
  const { manage } = useRights();
  const [name, setName] = useState(before);
  const { onSubmit, busy, error, fieldError } = useSubmit(
    (requestId) => organizations.updateOrganization({ requestId, name }),
    async () => {
      await cache.invalidateQueries({ queryKey: keys.organizations() });
      toast("Saved.");
    },
  );
  const reason = !manage ? "Owners and admins may change it." : name.trim() === before && "Nothing was changed.";
  return (
    <form onSubmit={onSubmit} className="grid max-w-sm gap-3">
      <Input label="Name" required maxLength={80} value={name} readOnly={!manage} onChange={(it) => setName(it.target.value)} error={fieldError("name")} />
      {error !== undefined && <ErrorPanel error={error} />}
      <Button type="submit" look="primary" busy={busy} reason={reason} className="justify-self-start">Save</Button>
    </form>
  );
}
