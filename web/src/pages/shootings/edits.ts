import { create } from "@bufbuild/protobuf";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { problemOf } from "~/api/errors";
import { LookSchema, type Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { keys } from "~/api/keys";
import { looks as api } from "~/api/shooting";
import { errorToast } from "~/components/toast";
import { maskOf } from "~/lib/draft";
import { uuid } from "~/lib/uuid";

/** What a look is made of. */
export type Cells = Pick<Look, "name" | "productId" | "subjectId" | "styleId" | "guidelineIds" | "shotTypeIds">;

/** How one look was and how it is to be; without a value it was not, or is not to be, there. */
export interface Change { id: string; before: Cells | undefined; after: Cells | undefined }

/** What one undo takes back. */
interface Step { label: string; changes: Change[] }

export function cellsOf({ name, productId, subjectId, styleId, guidelineIds, shotTypeIds }: Look): Cells {
  return { name, productId, subjectId, styleId, guidelineIds, shotTypeIds };
}

const inverse = ({ id, before, after }: Change): Change => ({ id, before: after, after: before });
/** How many looks are written at the same time. */
const WIDTH = 6;

async function eachOf<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const lane = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}

/**
 * Changes of the looks of a shooting: shown at once, sent one step after another, undone and redone. What the server
 * refuses is taken back, and said where it stands.
 */
export function useEdits(shootingId: string) {
  const cache = useQueryClient();
  const key = keys.looks(shootingId);
  // What was offered to be undone a while ago finds them as they are then.
  const steps = useRef<{ past: Step[]; future: Step[] }>({ past: [], future: [] });
  const [{ past, future }, setShown] = useState(steps.current);
  const setSteps = (next: typeof steps.current) => {
    steps.current = next;
    setShown(next);
  };
  const [refusals, setRefusals] = useState<Record<string, Record<string, string>>>({});
  const [pending, setPending] = useState(0);
  const tail = useRef(Promise.resolve());
  /** A look that was removed and came back has another id. */
  const successors = useRef(new Map<string, string>());
  const present = (id: string): string => (successors.current.has(id) ? present(successors.current.get(id)!) : id);
  const write = (next: (looks: Look[]) => Look[]) => cache.setQueryData<Look[]>(key, (looks) => looks && next(looks));
  const read = (id: string) => cache.getQueryData<Look[]>(key)?.find((it) => it.id === id);

  const show = (changes: Change[]) => {
    const next = new Map(changes.map((it) => [present(it.id), it.after]));
    write((looks) => [
      ...looks.flatMap((it) => (next.has(it.id) ? (next.get(it.id) ? [{ ...it, ...next.get(it.id)! }] : []) : [it])),
      ...changes.filter((it) => !it.before && it.after).map((it) => create(LookSchema, { ...it.after!, id: present(it.id), shootingId })),
    ]);
    setRefusals((before) => Object.fromEntries(Object.entries(before).filter(([id]) => !next.has(id))));
  };

  const refuse = ({ id, before, after }: Change, error: unknown) => {
    const { message, hint, fields, reason } = problemOf(error);
    const named = Object.entries(fields).map(([path, text]) => [path.replace(/^.*\.|\[.*$/g, ""), text]);
    const changed = before && after ? Object.keys(after).filter((it) => JSON.stringify(after[it as keyof Cells]) !== JSON.stringify(before[it as keyof Cells])) : [];
    const text = reason === "ETAG_MISMATCH" ? "Somebody changed this look meanwhile. It is shown as it is now." : `${message} ${hint}`.trim();
    const said = named.length > 0 ? Object.fromEntries(named) : Object.fromEntries(changed.map((it) => [it, text]));
    setRefusals((now) => ({ ...now, [present(id)]: said }));
    if (!after || !before) errorToast(error);
  };

  /** Sends `changes`, and answers those that were done. */
  const send = async (changes: Change[]): Promise<Change[]> => {
    const done: Change[] = [];
    await eachOf(changes, async (change) => {
      const id = present(change.id);
      const { before, after } = change;
      const requestId = uuid();
      try {
        if (!after) {
          await api.deleteLook({ requestId, id });
        } else if (!before) {
          const { look } = await api.createLook({ requestId, shootingId, look: after });
          successors.current.set(id, look!.id);
          write((looks) => looks.map((it) => (it.id === id ? look! : it)));
        } else {
          const mask = maskOf(after, before);
          const { look } = await api.updateLook({ requestId, id, etag: read(id)?.etag ?? "", look: after, updateMask: { paths: mask } });
          // Later changes may be shown already: only the version is taken over.
          write((looks) => looks.map((it) => (it.id === id ? { ...it, etag: look!.etag } : it)));
        }
        done.push(change);
      } catch (error) {
        refuse(change, error);
      }
    });
    return done;
  };

  const run = (changes: Change[], onDone: (done: Change[]) => void) => {
    setPending((it) => it + 1);
    void cache.cancelQueries({ queryKey: key }).then(() => {
      show(changes);
      tail.current = tail.current.then(async () => {
        onDone(await send(changes));
        setPending((it) => {
          if (it === 1) for (const queryKey of [key, keys.shots(shootingId), keys.shooting(shootingId), keys.shootings()]) void cache.invalidateQueries({ queryKey });
          return it - 1;
        });
      });
    });
  };

  /** Leaves in `step` only what was done; a step of which nothing was done is no step. */
  const settle = (step: Step) => (done: Change[]) => {
    step.changes = step.changes.filter((it) => done.some((one) => one.id === it.id));
    if (step.changes.length > 0) return;
    const without = (all: Step[]) => all.filter((it) => it !== step);
    setSteps({ past: without(steps.current.past), future: without(steps.current.future) });
  };
  const add = (step: Step) => setSteps({ past: [...steps.current.past.slice(-99), step], future: [] });
  const undo = (step = steps.current.past.at(-1)) => {
    if (!step || !steps.current.past.includes(step)) return;
    setSteps({ past: steps.current.past.filter((it) => it !== step), future: [...steps.current.future, step] });
    run(step.changes.map(inverse), settle(step));
  };

  return {
    refusals,
    isSaving: pending > 0,
    /** Changes looks, as one step. Answers how to undo that, whatever was changed since. */
    edit: (label: string, changes: Change[]): (() => void) => {
      if (changes.length === 0) return () => undefined;
      const step: Step = { label, changes };
      add(step);
      run(changes, settle(step));
      return () => undo(step);
    },
    /** Looks that were added elsewhere, as one step. */
    added: (looks: Look[]) => add({ label: "adding looks", changes: looks.map((it) => ({ id: it.id, before: undefined, after: cellsOf(it) })) }),
    undoLabel: past.at(-1)?.label,
    redoLabel: future.at(-1)?.label,
    undo: () => undo(),
    redo: () => {
      const step = steps.current.future.at(-1);
      if (!step) return;
      setSteps({ past: [...steps.current.past, step], future: steps.current.future.slice(0, -1) });
      run(step.changes, settle(step));
    },
  };
}

export type Edits = ReturnType<typeof useEdits>;
