import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { shotTypeList, styleList, subjectList } from "~/api/catalog";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { keys } from "~/api/keys";
import { looks } from "~/api/shooting";
import { useSubmit } from "~/components/form";
import { GuidelinePicker, ProductPicker, ShotTypePicker, StylePicker, SubjectPicker } from "~/components/pickers";
import { ErrorPanel } from "~/components/state";
import { count } from "~/lib/format";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";

/** How many looks are created in one call. */
const LIMIT = 100;

interface Choice { subjectId: string; styleId: string; guidelineIds: string[]; shotTypeIds: string[] }

/** Adds a look for each chosen product: subject, style and shot types are chosen once for all of them. */
export function LookCreate({ shootingId, last, onAdded, onClose }: {
  shootingId: string; /** The look to begin like. */ last: Look | undefined; onAdded: (looks: Look[]) => void; onClose: () => void;
}) {
  const cache = useQueryClient();
  const subjects = useQuery(subjectList()).data;
  const styles = useQuery(styleList()).data;
  const shotTypes = useQuery(shotTypeList()).data;
  const [productIds, setProductIds] = useState<string[]>([]);
  const [chosen, setChosen] = useState<Partial<Choice>>({});
  const only = (items: { id: string }[] | undefined) => (items?.length === 1 ? items[0]!.id : "");
  // What is not chosen yet is as in the look before, or the only one there is.
  const choice: Choice = {
    subjectId: last?.subjectId || only(subjects), styleId: last?.styleId || only(styles), guidelineIds: last?.guidelineIds ?? [],
    shotTypeIds: last?.shotTypeIds ?? shotTypes?.filter((it) => it.code === "front-full").map((it) => it.id) ?? [],
    ...chosen,
  };
  const set = (part: Partial<Choice>) => setChosen({ ...chosen, ...part });
  const form = useSubmit(
    (requestId) => looks.batchCreateLooks({ requestId, shootingId, looks: productIds.map((productId) => ({ ...choice, productId, name: "" })) }),
    (answer) => {
      cache.setQueryData<Look[]>(keys.looks(shootingId), (before) => [...(before ?? []), ...answer.looks]);
      for (const queryKey of [keys.looks(shootingId), keys.shots(shootingId), keys.shooting(shootingId), keys.shootings()]) void cache.invalidateQueries({ queryKey });
      onAdded(answer.looks);
      onClose();
    },
  );
  const reason =
    (productIds.length === 0 && "Choose products.") || (productIds.length > LIMIT && `At most ${LIMIT} at once: choose fewer.`) ||
    (!choice.subjectId && "Choose a subject.") || (!choice.styleId && "Choose a style.") || (choice.shotTypeIds.length === 0 && "Choose shot types.");
  const field = (name: string) => {
    const found = Object.entries(form.problem?.fields ?? {}).filter(([path]) => path.endsWith(name));
    return found[0]?.[1];
  };
  return (
    <Dialog
      wide
      title="Add looks"
      onClose={onClose}
      actions={
        <>
          <p className="mr-auto self-center text-soft" role="status">{count(productIds.length, "product")} chosen</p>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="looks" look="primary" busy={form.busy} reason={reason}>
            {productIds.length > 0 ? `Add ${count(productIds.length, "look")}` : "Add looks"}
          </Button>
        </>
      }
    >
      <form id="looks" onSubmit={form.onSubmit} className="grid gap-5 md:grid-cols-[1fr_15rem]">
        <section aria-label="Products"><ProductPicker value={productIds} onChange={setProductIds} /></section>
        <section aria-label="For all of them" className="grid content-start gap-4 md:order-last max-md:order-first">
          <SubjectPicker label="Subject" value={choice.subjectId} onChange={(subjectId) => set({ subjectId })} error={field("subjectId")} />
          <StylePicker label="Style" value={choice.styleId} onChange={(styleId) => set({ styleId })} error={field("styleId")} />
          <ShotTypePicker value={choice.shotTypeIds} onChange={(shotTypeIds) => set({ shotTypeIds })} />
          <GuidelinePicker value={choice.guidelineIds} onChange={(guidelineIds) => set({ guidelineIds })} />
          {form.error !== undefined && <ErrorPanel error={form.error} />}
          {Object.entries(form.problem?.fields ?? {}).slice(0, 3).map(([path, text]) => <p key={path} role="alert" className="text-bad">{text}</p>)}
        </section>
      </form>
    </Dialog>
  );
}
