import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { keys } from "~/api/keys";
import { shootings } from "~/api/shooting";
import { useSubmit } from "~/components/form";
import { maskOf, useDraft } from "~/lib/draft";
import { Button } from "~/ui/button";
import { Input, TextArea } from "~/ui/field";
import { FormFrame } from "./frame";

const fieldsOf = ({ name, brief }: Shooting) => ({ name, brief });

/** Edits the name and the brief. What another person wrote meanwhile is shown, not overwritten. */
export function ShootingEdit({ shooting, onClose }: { shooting: Shooting; onClose: () => void }) {
  const cache = useQueryClient();
  const [base, setBase] = useState(shooting);
  const { draft, setDraft, text } = useDraft(fieldsOf(shooting));
  const mask = maskOf(draft, fieldsOf(base));
  const theirs = maskOf(fieldsOf(shooting), fieldsOf(base));
  // Progress changes the etag, too. Only a change of what is being written is a conflict.
  if (shooting.etag !== base.etag && theirs.length === 0) setBase(shooting);
  const form = useSubmit(
    (requestId) => shootings.updateShooting({ requestId, id: shooting.id, etag: base.etag, shooting: draft, updateMask: { paths: mask } }),
    (answer) => {
      cache.setQueryData(keys.shooting(shooting.id), answer.shooting);
      void cache.invalidateQueries({ queryKey: keys.shootings() });
      onClose();
    },
  );
  return (
    <FormFrame title="Edit shooting" form={form} action="Save" reason={mask.length === 0 && "Nothing was changed."} onClose={onClose}>
      <Input label="Name" required maxLength={120} {...text("name", form.fieldError)} />
      <TextArea label="Brief" rows={8} maxLength={4000} {...text("brief", form.fieldError)} />
      {theirs.length > 0 && (
        <div role="alert" className="grid gap-2 rounded-lg border border-warn/50 p-3">
          <p className="font-medium">Somebody changed this shooting since you opened it.</p>
          <p className="text-soft">Theirs: “{shooting.name}”. {shooting.brief}</p>
          <div className="flex gap-2">
            <Button small onClick={() => setBase(shooting)}>Keep mine, then save</Button>
            <Button small onClick={() => { setDraft(fieldsOf(shooting)); setBase(shooting); }}>Take theirs</Button>
          </div>
        </div>
      )}
    </FormFrame>
  );
}
