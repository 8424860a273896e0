import { Children, type ReactNode } from "react";
import { Link } from "react-router";
import { CARDS } from "~/components/shooting-card";

interface SectionProps { title: string; more: string; children: ReactNode }

function Frame({ title, more, children }: SectionProps) {
  return (
    <section aria-label={title}>
      <header className="mb-1 flex items-center justify-between">
        <h2 className="font-semibold">{title}</h2>
        <Link to={more} className="inline-flex min-h-6 min-w-6 items-center justify-end text-xs text-accent hover:underline" aria-label={`All of: ${title}`}>All</Link>
      </header>
      {children}
    </section>
  );
}

/** Rows under a title. */
export const Section = ({ children, ...rest }: SectionProps) => (
  <Frame {...rest}><ul className="divide-y overflow-hidden rounded-lg border bg-panel">{children}</ul></Frame>
);

/** Cards under a title. */
export const Cards = ({ children, ...rest }: SectionProps) => (
  <Frame {...rest}><ul className={CARDS}>{Children.map(children, (it) => <li>{it}</li>)}</ul></Frame>
);
