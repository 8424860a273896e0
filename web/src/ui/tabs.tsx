import type { ReactNode } from "react";
import { NavLink } from "react-router";
import { useActiveInView } from "~/lib/active-in-view";
import { cx } from "~/lib/cx";

/** Pages beside each other: each is a URL. */
export function Tabs({ label, children }: { label: string; children: ReactNode }) {
  const row = useActiveInView<HTMLElement>();
  return (
    <nav ref={row} aria-label={label} className="-mb-px flex gap-4 overflow-x-auto border-b [scrollbar-width:none]">
      {children}
    </nav>
  );
}

export function Tab({ to, end, children }: { to: string; end?: boolean; children: ReactNode }) {
  return (
    <NavLink
      to={to}
      end={end ?? false}
      className={({ isActive }) =>
        cx("whitespace-nowrap border-b-2 px-0.5 py-1.5", isActive ? "border-accent font-medium text-ink" : "border-transparent text-soft hover:text-ink")
      }
    >
      {children}
    </NavLink>
  );
}

/** One of few, changed at once. */
export function Segmented<T extends string>({ label, value, options, onChange }: {
  label: string; value: T; options: [T, string][]; onChange: (value: T) => void;
}) {
  return (
    <div role="group" aria-label={label} className="inline-flex h-8 rounded-md border bg-sunken p-0.5">
      {options.map(([option, text]) => (
        <button
          key={option}
          type="button"
          aria-pressed={option === value}
          onClick={() => onChange(option)}
          className="rounded-sm px-2.5 text-soft hover:text-ink aria-pressed:bg-raised aria-pressed:text-ink aria-pressed:shadow-sm"
        >
          {text}
        </button>
      ))}
    </div>
  );
}
