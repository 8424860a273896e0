import { useEffect, useRef } from "react";
import { useLocation } from "react-router";

/** Keeps the link to the present page in view, in a row of links that scrolls. */
export function useActiveInView<E extends HTMLElement>() {
  const row = useRef<E>(null);
  const { pathname } = useLocation();
  useEffect(() => {
    row.current?.querySelector("[aria-current=page]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
  }, [pathname]);
  return row;
}
