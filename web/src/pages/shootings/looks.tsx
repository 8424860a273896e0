import { Aperture, Plus, Redo2, Sparkles, Undo2 } from "lucide-react";
import { useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { Shooting_State } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { useRights } from "~/api/identity";
import { useComposition } from "~/components/composition";
import { spoken, useKeymap } from "~/components/keymap";
import { ShootingFrame } from "~/components/shooting-frame";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, ErrorPanel, SkeletonRows } from "~/components/state";
import { LookCreate } from "~/forms/look-create";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { Button, IconButton, LinkButton } from "~/ui/button";
import { ApplyBar } from "./apply";
import { useEdits } from "./edits";
import { Matrix } from "./matrix";

export default function Looks() {
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const { make } = useRights();
  const edits = useEdits(id);
  const { data: parts, error, refetch } = useComposition(id, edits.isSaving);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const setAdding = (isAdding: boolean) => setParams((it) => { if (isAdding) it.set("add", ""); else it.delete("add"); return it; }, { replace: true });
  const keysOf = useKeymap();
  useShortcuts("Looks", make ? { undo: edits.undo, redo: edits.redo, redoToo: edits.redo } : {});
  return (
    <ShootingFrame
      page="Looks"
      actions={({ state }) => {
        const archived = state === Shooting_State.ARCHIVED && "Bring the shooting back first.";
        return make && (
          <>
            <span role="status" className="text-xs text-soft">{edits.isSaving ? "Saving…" : edits.undoLabel && "Saved"}</span>
            <IconButton label={edits.undoLabel ? `Undo ${edits.undoLabel}` : "Undo"} icon={Undo2} shortcut={spoken(keysOf("Looks.undo"))} reason={!edits.undoLabel && "Nothing to undo"} onClick={edits.undo} />
            <IconButton label={edits.redoLabel ? `Redo ${edits.redoLabel}` : "Redo"} icon={Redo2} shortcut={spoken(keysOf("Looks.redo"))} reason={!edits.redoLabel && "Nothing to redo"} onClick={edits.redo} />
            <Button icon={Plus} reason={archived} onClick={() => setAdding(true)}>Add looks</Button>
            {parts && parts.looks.length > 0 && <LinkButton to={paths.generate(id)} look="primary" icon={Sparkles}>Generate</LinkButton>}
          </>
        );
      }}
    >
      {({ state }) => {
        if (error) return <ErrorPanel error={error} onRetry={refetch} />;
        if (!parts) return <SkeletonRows what="the looks" count={10} />;
        const isFixed = !make || state === Shooting_State.ARCHIVED;
        const shown = new Set([...selected].filter((it) => parts.looks.some((look) => look.id === it)));
        const last = parts.looks.at(-1);
        return (
          <>
            {parts.looks.length === 0 ? (
              <Empty icon={Aperture} title="No looks yet" action={!isFixed && <Button look="primary" icon={Plus} onClick={() => setAdding(true)}>Add looks</Button>}>
                A look is a product on a subject in a style. Choose products, then say once how all of them are shot.
              </Empty>
            ) : (
              <div className="grid grid-cols-1 gap-3">
                {!isFixed && <ApplyBar parts={parts} edits={edits} selected={shown} />}
                <Matrix parts={parts} edits={edits} selected={shown} onSelect={setSelected} isFixed={isFixed} />
                <p className="text-soft" role="status">{count(parts.looks.length, "look")}, {count(parts.looks.reduce((sum, it) => sum + it.shotTypeIds.length, 0), "shot")}</p>
              </div>
            )}
            {params.has("add") && !isFixed && <LookCreate shootingId={id} last={last} onAdded={edits.added} onClose={() => setAdding(false)} />}
          </>
        );
      }}
    </ShootingFrame>
  );
}
