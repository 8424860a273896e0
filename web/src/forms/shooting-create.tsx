import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { keys } from "~/api/keys";
import { shootings } from "~/api/shooting";
import { useSubmit } from "~/components/form";
import { useDraft } from "~/lib/draft";
import { paths } from "~/paths";
import { Input, TextArea } from "~/ui/field";
import { FormFrame } from "./frame";

/** Creates a shooting, then goes on to its looks. */
export function ShootingCreate({ onClose }: { onClose: () => void }) {
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { draft, text } = useDraft({ name: "", brief: "" });
  const form = useSubmit(
    (requestId) => shootings.createShooting({ requestId, shooting: draft }),
    ({ shooting }) => {
      cache.setQueryData(keys.shooting(shooting!.id), shooting);
      void cache.invalidateQueries({ queryKey: keys.shootings() });
      void navigate(`${paths.looks(shooting!.id)}?add`);
    },
  );
  return (
    <FormFrame title="New shooting" form={form} action="Create" onClose={onClose}>
      <Input label="Name" required maxLength={120} autoFocus placeholder="Spring essentials" {...text("name", form.fieldError)} />
      <TextArea label="Brief" rows={8} maxLength={4000} hint="What it is for, and what matters. Everybody who works on it sees it." {...text("brief", form.fieldError)} />
    </FormFrame>
  );
}
