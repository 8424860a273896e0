import { useQueryClient } from "@tanstack/react-query";
import { ImagePlus } from "lucide-react";
import { subjects } from "~/api/catalog";
import type { Subject } from "~/api/gen/sartiq/catalog/v1/subject_pb";
import { keys } from "~/api/keys";
import { FileButton } from "~/components/file-button";
import { useSubmit } from "~/components/form";
import { Picture } from "~/components/picture";
import { maskOf, useDraft } from "~/lib/draft";
import { enqueue } from "~/upload/queue";
import { Input, TextArea } from "~/ui/field";
import { FormFrame } from "./frame";

interface Draft { name: string; handle: string; description: string; portraitMediaId: string }

/** Creates a subject, or edits the given one. */
export function SubjectEdit({ subject, onClose }: { subject?: Subject; onClose: () => void }) {
  const cache = useQueryClient();
  const before: Draft = {
    name: subject?.name ?? "", handle: subject?.handle ?? "", description: subject?.description ?? "", portraitMediaId: subject?.portraitMediaId ?? "",
  };
  const { draft, setDraft, text } = useDraft(before);
  const mask = maskOf(draft, before);
  // The handle follows the name until it is written by hand.
  const handle = draft.handle || (subject ? "" : draft.name.toLowerCase().normalize("NFD").replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 40));
  const input = { ...draft, handle };
  const form = useSubmit(
    async (requestId) => subject
      ? subjects.updateSubject({ requestId, id: subject.id, etag: subject.etag, subject: input, updateMask: { paths: mask } })
      : subjects.createSubject({ requestId, subject: input }),
    async () => {
      await cache.invalidateQueries({ queryKey: keys.subjects() });
      onClose();
    },
  );
  const portrait = ([file]: File[]) => file && enqueue([{
    file,
    place: async (mediaId) => {
      setDraft((now) => ({ ...now, portraitMediaId: mediaId }));
      return { text: "Portrait" };
    },
  }]);
  return (
    <FormFrame
      title={subject ? `Edit ${subject.name}` : "New subject"}
      form={form}
      action={subject ? "Save" : "Create"}
      reason={subject && mask.length === 0 && "Nothing was changed."}
      onClose={onClose}
    >
      <div className="flex items-end gap-3">
        <Picture mediaId={draft.portraitMediaId} alt="Portrait" edge={256} className="aspect-[4/5] w-28 rounded-md" />
        <FileButton icon={ImagePlus} onFiles={portrait}>{draft.portraitMediaId ? "Change portrait" : "Add portrait"}</FileButton>
      </div>
      <Input label="Name" required maxLength={80} autoFocus {...text("name", form.fieldError)} />
      <Input label="Handle" required maxLength={40} pattern="[a-z0-9][a-z0-9\-]*" hint="Small letters, digits and dashes; unique in the organization." {...text("handle", form.fieldError)} value={handle} />
      <TextArea label="Description" rows={6} maxLength={2000} hint="What the subject looks like. Pictures are made from these words, too." {...text("description", form.fieldError)} />
    </FormFrame>
  );
}
