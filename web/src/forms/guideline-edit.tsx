import { useQueryClient } from "@tanstack/react-query";
import { guidelines } from "~/api/catalog";
import type { Guideline } from "~/api/gen/sartiq/catalog/v1/guideline_pb";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { count } from "~/lib/format";
import { maskOf, useDraft } from "~/lib/draft";
import { Input, TextArea } from "~/ui/field";
import { FormFrame } from "./frame";

const MOST = 50;

/** Creates a guideline, or edits the given one. */
export function GuidelineEdit({ guideline, onClose }: { guideline: Guideline | undefined; onClose: () => void }) {
  const cache = useQueryClient();
  const before = { name: guideline?.name ?? "", rules: guideline?.rules.join("\n") ?? "" };
  const { draft, text } = useDraft(before);
  const mask = maskOf(draft, before);
  const rules = draft.rules.split("\n").map((it) => it.trim()).filter(Boolean);
  const input = { name: draft.name, rules };
  const form = useSubmit(
    async (requestId) => guideline
      ? guidelines.updateGuideline({ requestId, id: guideline.id, etag: guideline.etag, guideline: input, updateMask: { paths: mask } })
      : guidelines.createGuideline({ requestId, guideline: input }),
    async () => {
      await cache.invalidateQueries({ queryKey: keys.guidelines() });
      onClose();
    },
  );
  const reason = MOST < rules.length ? `At most ${MOST} rules.` : guideline && mask.length === 0 && "Nothing was changed.";
  return (
    <FormFrame title={guideline ? `Edit ${guideline.name}` : "New guideline"} form={form} action={guideline ? "Save" : "Create"} reason={reason} onClose={onClose}>
      <Input label="Name" required maxLength={80} autoFocus {...text("name", form.fieldError)} />
      <TextArea label="Rules" rows={12} hint={`One on each line, as a sentence. ${count(rules.length, "rule")}.`} {...text("rules", form.fieldError)} />
    </FormFrame>
  );
}
