import { useQuery } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useRef, type ReactNode } from "react";
import { organizationList } from "~/api/identity";
import { session } from "~/api/session";
import { useStore } from "~/lib/store";
import { cx } from "~/lib/cx";

/** The name of the organization that the session acts in. */
export function useOrganizationName(): string {
  const present = useStore(session);
  const { data } = useQuery({ ...organizationList(), enabled: present !== undefined });
  return data?.find((it) => it.id === present?.organizationId)?.name ?? "";
}

/** The title of the window: object, page, organization. */
export function useTitle(...parts: (string | undefined)[]): void {
  const organization = useOrganizationName();
  const title = [...parts, organization, "Sartiq"].filter(Boolean).join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}

interface PageProps {
  /** What the page is about. Also the title of the window. */
  title: string;
  /** What it belongs to, such as the name of the list that it is in. */
  within?: string;
  /** Beside the title, such as a state. */
  aside?: ReactNode;
  actions?: ReactNode;
  /** Under the title, such as tabs. */
  below?: ReactNode;
  /** The content takes the whole height, and scrolls by itself. */
  fill?: boolean;
  /** At the bottom edge, however far the content is scrolled. */
  foot?: ReactNode;
  children: ReactNode;
}

/** A page: its head, then its content. */
export function Page({ title, within, aside, actions, below, fill, foot, children }: PageProps) {
  useTitle(title, within);
  return (
    <div className={cx("flex min-w-0 flex-col", fill ? "h-full min-h-0" : "min-h-full")}>
      <header className="px-4 pt-3 sm:px-5">
        <div className={cx("flex min-h-8 items-center gap-x-3 gap-y-2", !fill && "flex-wrap")}>
          <h1 title={title} className="min-w-0 truncate text-lg font-semibold">{title}</h1>
          {aside}
          {actions && <div className={cx("ml-auto flex items-center gap-2", fill ? "shrink-0" : "flex-wrap")}>{actions}</div>}
        </div>
        {below && <div className="mt-2">{below}</div>}
      </header>
      <div className={cx("min-w-0 flex-1 px-4 py-3 sm:px-5", fill && "flex min-h-0 flex-col")}>{children}</div>
      {foot && <Foot>{foot}</Foot>}
    </div>
  );
}

/** What keeps to the bottom edge. How high it reaches stands in `--foot`, so that nothing hides behind it. */
function Foot({ children }: { children: ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() => style.setProperty("--foot", `${window.innerHeight - ref.current!.getBoundingClientRect().top}px`));
    observer.observe(ref.current!);
    return () => {
      observer.disconnect();
      style.removeProperty("--foot");
    };
  }, []);
  return <div ref={ref} className="sticky bottom-0 z-10">{children}</div>;
}
