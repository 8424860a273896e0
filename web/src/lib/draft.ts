import { useState, type ChangeEvent } from "react";

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** A draft of an object, and what a text field needs to write one of its fields. */
export function useDraft<T extends object>(initial: T) {
  const [draft, setDraft] = useState(initial);
  const text = <K extends keyof T & string>(field: K, fieldError: (name: string) => string | undefined) => ({
    value: String(draft[field]),
    error: fieldError(field),
    onChange: (event: ChangeEvent<Control>) => {
      const value = typeof draft[field] === "number" ? Number(event.target.value) : event.target.value;
      setDraft({ ...draft, [field]: value } as T);
    },
  });
  return { draft, setDraft, text };
}

/** The fields of `draft` that differ from `before`, as a mask names them. */
export function maskOf<T extends object>(draft: T, before: T): string[] {
  const changed = (Object.keys(draft) as (keyof T & string)[]).filter((it) => JSON.stringify(draft[it]) !== JSON.stringify(before[it]));
  return changed.map((it) => it.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}
