import { Plus, type LucideIcon } from "lucide-react";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useRights } from "~/api/identity";
import { Button } from "~/ui/button";
import { Table, type Column } from "~/ui/table";
import { Empty, ErrorPanel, SkeletonRows } from "./state";

interface EditableListProps<T> {
  /** One of them, such as `style`. */
  noun: string;
  about: string;
  icon: LucideIcon;
  query: UseQueryResult<T[]>;
  columns: Column<T>[];
  /** The form that creates one, or edits the given one. */
  form: (item: T | undefined, onClose: () => void) => ReactNode;
}

/** A short list whose rows open a form. The first column opens it. */
export function EditableList<T extends { id: string }>({ noun, about, icon, query, columns, form }: EditableListProps<T>) {
  const { make } = useRights();
  const [edited, setEdited] = useState<T | "new">();
  const create = make && <Button look="primary" icon={Plus} onClick={() => setEdited("new")}>New {noun}</Button>;
  const { data, error, refetch } = query;
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  if (!data) return <SkeletonRows what={`${noun}s`} />;
  const [first, ...others] = columns;
  const opening: Column<T> = {
    ...first!,
    cell: (it) => make
      ? <button type="button" onClick={() => setEdited(it)} className="min-h-6 text-left font-medium hover:underline">{first!.cell(it)}</button>
      : <span className="font-medium">{first!.cell(it)}</span>,
  };
  return (
    <div className="grid gap-3">
      {data.length === 0
        ? <Empty icon={icon} title={`No ${noun}s yet`} action={create}>{about}</Empty>
        : <>
            <div className="flex flex-wrap items-center justify-between gap-3"><p className="text-soft">{about}</p>{create}</div>
            <Table label={`${noun}s`} columns={[opening, ...others]} rows={data} rowKey={(it) => it.id} />
          </>}
      {edited && form(edited === "new" ? undefined : edited, () => setEdited(undefined))}
    </div>
  );
}
