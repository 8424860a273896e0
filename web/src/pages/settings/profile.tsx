import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { meQuery, ROLE_NAMES, users } from "~/api/identity";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { ErrorPanel, SkeletonRows } from "~/components/state";
import { toast } from "~/components/toast";
import { Button } from "~/ui/button";
import { Input } from "~/ui/field";

export function Profile() {
  const { data, error, refetch } = useQuery(meQuery());
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  if (!data?.user) return <SkeletonRows what="your profile" count={3} />;
  return <ProfileForm name={data.user.name} email={data.user.email} role={ROLE_NAMES[data.role]} />;
}

function ProfileForm({ name: before, email, role }: { name: string; email: string; role: string }) {
  const cache = useQueryClient();
  const [name, setName] = useState(before);
  const { onSubmit, busy, error, fieldError } = useSubmit(
    (requestId) => users.updateMe({ requestId, name }),
    async () => {
      await cache.invalidateQueries({ queryKey: keys.me() });
      toast("Saved.");
    },
  );
  return (
    <form onSubmit={onSubmit} className="grid max-w-sm gap-3">
      <Input label="Name" required maxLength={80} autoComplete="name" value={name} onChange={(it) => setName(it.target.value)} error={fieldError("name")} />
      <Input label="E-mail" value={email} readOnly hint={`You are ${role.toLowerCase()} in this organization.`} />
      {error !== undefined && <ErrorPanel error={error} />}
      <Button type="submit" look="primary" busy={busy} reason={name.trim() === before && "Nothing was changed."} className="justify-self-start">Save</Button>
    </form>
  );
}
