import type { ReactNode } from "react";
import { cx } from "~/lib/cx";

export interface Column<T> {
  /** Empty for one that has buttons only. */
  title: string;
  cell: (row: T) => ReactNode;
  /** Numbers stand at the right. */
  end?: boolean;
  className?: string;
}

/** Rows of one kind. On narrow screens it scrolls by itself, so that the page does not. */
export function Table<T>({ label, columns, rows, rowKey, rowClass }: {
  label: string; columns: Column<T>[]; rows: T[]; rowKey: (row: T) => string; rowClass?: (row: T) => string;
}) {
  return (
    <div className="overflow-x-auto rounded-lg border bg-panel" tabIndex={0} role="region" aria-label={label}>
      <table className="w-full border-collapse text-left">
        <thead>
          <tr className="border-b">
            {columns.map((it) => it.title === "" ? <td key="" /> : (
              <th key={it.title} scope="col" className={cx("whitespace-nowrap px-3 py-1.5 text-xs font-medium text-soft", it.end && "text-right", it.className)}>
                {it.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className={cx("border-b last:border-0 hover:bg-hover/60", rowClass?.(row))}>
              {columns.map((it) => (
                <td key={it.title} className={cx("px-3 py-1.5 align-middle", it.end && "text-right tabular-nums", it.className)}>
                  {it.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
