import { useQueryClient } from "@tanstack/react-query";
import { shotTypes } from "~/api/catalog";
import type { ShotType } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { maskOf, useDraft } from "~/lib/draft";
import { Input } from "~/ui/field";
import { FormFrame } from "./frame";

/** Creates a shot type, or edits the given one. One of the system set is the pattern of a new one. */
export function ShotTypeEdit({ shotType, onClose }: { shotType: ShotType | undefined; onClose: () => void }) {
  const cache = useQueryClient();
  const own = shotType?.system ? undefined : shotType;
  const { framing = "", angle = "", pose = "", widthPx = 1024, heightPx = 1280, defaultVariants = 4 } = shotType ?? {};
  const before = { name: own?.name ?? "", code: own?.code ?? "", framing, angle, pose, widthPx, heightPx, defaultVariants };
  const { draft, text } = useDraft(before);
  const mask = maskOf(draft, before);
  const form = useSubmit(
    async (requestId) => own
      ? shotTypes.updateShotType({ requestId, id: own.id, etag: own.etag, shotType: draft, updateMask: { paths: mask } })
      : shotTypes.createShotType({ requestId, shotType: draft }),
    async () => {
      await cache.invalidateQueries({ queryKey: keys.shotTypes() });
      onClose();
    },
  );
  return (
    <FormFrame title={own ? `Edit ${own.name}` : "New shot type"} form={form} action={own ? "Save" : "Create"} reason={own && mask.length === 0 && "Nothing was changed."} onClose={onClose}>
      <Input label="Name" required maxLength={80} autoFocus {...text("name", form.fieldError)} />
      <Input label="Code" required maxLength={40} pattern="[a-z0-9][a-z0-9\-]*" placeholder="front-full" hint="Small letters, digits and dashes. Names of delivered files carry it." {...text("code", form.fieldError)} />
      <Input label="Framing" maxLength={120} placeholder="full body" {...text("framing", form.fieldError)} />
      <Input label="Angle" maxLength={120} placeholder="eye level, from the front" {...text("angle", form.fieldError)} />
      <Input label="Pose" maxLength={200} placeholder="standing, arms relaxed" {...text("pose", form.fieldError)} />
      <div className="grid grid-cols-3 items-start gap-3">
        <Input label="Width" type="number" required min={256} max={2048} {...text("widthPx", form.fieldError)} />
        <Input label="Height" type="number" required min={256} max={2048} {...text("heightPx", form.fieldError)} />
        <Input label="Pictures" type="number" required min={1} max={8} {...text("defaultVariants", form.fieldError)} />
      </div>
    </FormFrame>
  );
}
