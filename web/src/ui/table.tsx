import { Fragment, useRef, type ReactNode } from "react";
import { cx } from "~/lib/cx";
import { spread, useWindowed, whole } from "~/lib/windowed";

export interface Column<T> {
  /** Empty for one that has buttons only. */
  title: string;
  cell: (row: T) => ReactNode;
  /** Numbers stand at the right. */
  end?: boolean;
  /** Clear without its title, where there is no room for a head. */
  clear?: boolean;
  className?: string;
}

interface TableProps<T> { label: string; columns: Column<T>[]; rows: T[]; rowKey: (row: T) => string; rowClass?: (row: T) => string }

/** Shorter tables are there whole. */
const WINDOWED_FROM = 80;
const ROW_PX = 45;
const TITLED = "max-sm:before:mr-1.5 max-sm:before:text-xs max-sm:before:text-soft max-sm:before:content-[attr(data-title)]";
const BARE = { padding: 0, border: 0 };

/** The room of rows that are not there. */
export const Filler = ({ height }: { height: number }) => <tr aria-hidden className="max-sm:block" style={{ height }}><td style={BARE} /></tr>;

/**
 * Rows of one kind. On narrow screens each row is a card: the first column with a title is its head, and the others follow
 * with their titles. Of a long table only the rows near the screen are there.
 */
export function Table<T>({ label, columns, rows, rowKey, rowClass }: TableProps<T>) {
  const body = useRef<HTMLTableSectionElement>(null);
  const isLong = rows.length >= WINDOWED_FROM;
  const windowed = useWindowed(body, { count: isLong ? rows.length : 0, height: ROW_PX });
  const { shown, after } = isLong ? spread(windowed) : whole(rows.length);
  const head = columns.find((it) => it.title !== "");
  return (
    <div className="overflow-x-auto rounded-lg border bg-panel" tabIndex={0} role="region" aria-label={label}>
      <table role="table" aria-rowcount={rows.length + 1} className="w-full border-collapse text-left max-sm:block">
        <thead role="rowgroup" className="max-sm:sr-only">
          <tr role="row" aria-rowindex={1} className="border-b">
            {columns.map((it) => it.title === "" ? <td key="" role="cell" /> : (
              <th key={it.title} scope="col" role="columnheader" className={cx("whitespace-nowrap px-3 py-1.5 text-xs font-medium text-soft", it.end && "text-right", it.className)}>
                {it.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body} role="rowgroup" className="max-sm:block">
          {shown.map(({ index, before }) => {
            const row = rows[index]!;
            return (
              <Fragment key={rowKey(row)}>
                {before > 0 && <Filler height={before} />}
                <tr
                  role="row" data-index={index} ref={isLong ? windowed.measureElement : undefined} aria-rowindex={index + 2}
                  className={cx("border-b last:border-0 hover:bg-hover/60 max-sm:flex max-sm:flex-wrap max-sm:items-center max-sm:gap-x-4 max-sm:gap-y-1 max-sm:px-3 max-sm:py-2", rowClass?.(row))}
                >
                  {columns.map((it) => (
                    <td
                      key={it.title} role="cell"
                      data-title={it.title}
                      className={cx(
                        "px-3 py-1.5 align-middle max-sm:p-0 max-sm:empty:hidden",
                        it !== head && !it.clear && it.title !== "" && TITLED, it === head && "max-sm:min-w-[70%] max-sm:flex-1", it.end && "whitespace-nowrap text-right tabular-nums", it.className,
                      )}
                    >
                      {it.cell(row)}
                    </td>
                  ))}
                </tr>
              </Fragment>
            );
          })}
          {after > 0 && <Filler height={after} />}
        </tbody>
      </table>
    </div>
  );
}
