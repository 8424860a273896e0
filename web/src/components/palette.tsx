import { useInfiniteQuery } from "@tanstack/react-query";
import { Aperture, ArrowRight, MonitorCog, Shirt, type LucideIcon } from "lucide-react";
import { useDeferredValue, useId, useState, type KeyboardEvent } from "react";
import { useNavigate } from "react-router";
import { productList } from "~/api/catalog";
import { shootingList } from "~/api/shooting";
import { paths } from "~/paths";
import { Dialog } from "~/ui/dialog";
import { Input } from "~/ui/field";
import { theme, type Theme } from "./theme";

interface Entry { id: string; text: string; about: string; icon: LucideIcon; run: () => void }
const MOST = 6;
const THEMES: [Theme, string][] = [["light", "Light theme"], ["dark", "Dark theme"], ["system", "Theme of the system"]];

function show(element: HTMLElement | null): void {
  element?.scrollIntoView({ block: "nearest" });
}

/** Everything that can be reached by typing: places, shootings, products, and how the app looks. */
export default function Palette({ places, onClose }: { places: { to: string; name: string }[]; onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const navigate = useNavigate();
  const search = useDeferredValue(text.trim());
  const shootings = useInfiniteQuery(shootingList()).data?.pages.flatMap((it) => it.shootings) ?? [];
  const products = useInfiniteQuery(productList(search)).data?.pages[0]?.products ?? [];
  const go = (to: string) => () => void navigate(to);
  const fits = (it: Entry) => it.text.toLowerCase().includes(text.trim().toLowerCase());
  const entries: Entry[] = [
    ...[...places, { to: paths.settings(), name: "Settings" }, { to: paths.settings("members"), name: "Members" }]
      .map(({ to, name }) => ({ id: to, text: name, about: "Go to", icon: ArrowRight, run: go(to) })).filter(fits),
    ...shootings.map((it) => ({ id: it.id, text: it.name, about: "Shooting", icon: Aperture, run: go(paths.shooting(it.id)) })).filter(fits).slice(0, MOST),
    ...(search ? products.slice(0, MOST).map((it) => ({ id: it.id, text: it.name, about: it.sku || "Product", icon: Shirt, run: go(paths.product(it.id)) })) : []),
    ...THEMES.map(([value, name]) => ({ id: value, text: name, about: "Appearance", icon: MonitorCog, run: () => theme.set(value) })).filter(fits),
  ];
  const chosen = Math.min(at, entries.length - 1);
  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + entries.length) % Math.max(1, entries.length));
    else if (event.key === "Enter") choose(entries[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Go anywhere" onClose={onClose}>
      <Input
        label="Search places, shootings and products" hideLabel placeholder="Type a place, a shooting, a product…" role="combobox" aria-expanded
        aria-controls={id} aria-activedescendant={entries[chosen] && `${id}-${chosen}`} value={text} onKeyDown={onKeyDown}
        onChange={(event) => { setText(event.target.value); setAt(0); }}
      />
      <ul id={id} role="listbox" aria-label="Found" className="mt-2 max-h-80 overflow-y-auto">
        {entries.map((it, index) => (
          <li
            key={it.id} id={`${id}-${index}`} role="option" aria-selected={index === chosen} onMouseMove={() => setAt(index)} onClick={() => choose(it)}
            ref={index === chosen ? show : undefined}
            className="flex min-h-8 cursor-pointer items-center gap-2.5 rounded-md px-2 aria-selected:bg-hover"
          >
            <it.icon aria-hidden className="size-4 shrink-0 text-soft" />
            <span className="min-w-0 flex-1 truncate">{it.text}</span>
            <span className="text-xs text-soft">{it.about}</span>
          </li>
        ))}
      </ul>
      {entries.length === 0 && <p className="p-2 text-soft">Nothing fits.</p>}
    </Dialog>
  );
}
