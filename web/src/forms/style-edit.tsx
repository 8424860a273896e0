import { useQueryClient } from "@tanstack/react-query";
import { styles } from "~/api/catalog";
import type { Style } from "~/api/gen/sartiq/catalog/v1/style_pb";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { maskOf, useDraft } from "~/lib/draft";
import { Input, TextArea } from "~/ui/field";
import { FormFrame } from "./frame";

/** Creates a style, or edits the given one. */
export function StyleEdit({ style, onClose }: { style: Style | undefined; onClose: () => void }) {
  const cache = useQueryClient();
  const { name = "", prompt = "", negativePrompt = "", background = "", light = "" } = style ?? {};
  const before = { name, prompt, negativePrompt, background, light };
  const { draft, text } = useDraft(before);
  const mask = maskOf(draft, before);
  const form = useSubmit(
    async (requestId) => style
      ? styles.updateStyle({ requestId, id: style.id, etag: style.etag, style: draft, updateMask: { paths: mask } })
      : styles.createStyle({ requestId, style: draft }),
    async () => {
      await cache.invalidateQueries({ queryKey: keys.styles() });
      onClose();
    },
  );
  return (
    <FormFrame title={style ? `Edit ${style.name}` : "New style"} form={form} action={style ? "Save" : "Create"} reason={style && mask.length === 0 && "Nothing was changed."} onClose={onClose}>
      <Input label="Name" required maxLength={80} autoFocus {...text("name", form.fieldError)} />
      <TextArea label="Prompt" maxLength={2000} hint="What pictures in this style look like." {...text("prompt", form.fieldError)} />
      <Input label="Background" maxLength={200} placeholder="plain light grey" {...text("background", form.fieldError)} />
      <Input label="Light" maxLength={200} placeholder="soft daylight from the left" {...text("light", form.fieldError)} />
      <TextArea label="Never show" rows={3} maxLength={2000} {...text("negativePrompt", form.fieldError)} />
    </FormFrame>
  );
}
