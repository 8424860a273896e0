import {
  Aperture, BookOpen, CircleCheckBig, Download, Ellipsis, House, ListChecks, PanelLeft, Search, Shirt, Sparkles, UserRound, type LucideIcon,
} from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { NavLink, useLocation, useNavigate } from "react-router";
import { useRights } from "~/api/identity";
import { cx } from "~/lib/cx";
import { paths } from "~/paths";
import { IconButton } from "~/ui/button";
import { Menu, MenuItem } from "~/ui/menu";
import { ConnectionDot, OfflineBanner } from "./connection";
import { useOrganizationName } from "./page";
import { commandOf, spoken, useKeymap, type ActionOf } from "./keymap";
import { ShortcutHelp } from "./shortcut-help";
import { useShortcuts } from "./shortcuts";
import { UploadTray } from "./upload-tray";
import { UserMenu } from "./user-menu";

const Palette = lazy(() => import("./palette"));

interface Place { /** Also there where there is little room. */ isMain?: boolean; to: string; name: string; icon: LucideIcon; key: ActionOf<"Everywhere">; /** Also lit on pages that begin so. */ also?: string }

function usePlaces(): Place[] {
  const { make } = useRights();
  const places: (Place | false)[] = [
    { isMain: true, to: paths.home(), name: "Home", icon: House, key: "home" },
    { isMain: true, to: paths.products(), name: "Products", icon: Shirt, key: "products" },
    { to: paths.subjects(), name: "Subjects", icon: UserRound, key: "subjects" },
    { to: paths.library(), name: "Library", icon: BookOpen, key: "library", also: "/library" },
    { isMain: true, to: paths.shootings(), name: "Shootings", icon: Aperture, key: "shootings" },
    make && { isMain: true, to: paths.generator(), name: "Generator", icon: Sparkles, key: "generator" },
    { isMain: true, to: paths.review(), name: "Review", icon: CircleCheckBig, key: "review" },
    { to: paths.deliver(), name: "Deliver", icon: Download, key: "deliver" },
    { to: paths.queue(), name: "Queue", icon: ListChecks, key: "queue" },
  ];
  return places.filter((it) => it !== false);
}

/** What stands around every page: the rail, the bar, and the way past them. */
export function Shell({ children }: { children: ReactNode }) {
  const [isWide, setWide] = useState(() => localStorage.getItem("sartiq.rail") !== "narrow");
  const [isHelp, setHelp] = useState(false);
  const [isPalette, setPalette] = useState(false);
  const places = usePlaces();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const organization = useOrganizationName();
  useEffect(() => localStorage.setItem("sartiq.rail", isWide ? "wide" : "narrow"), [isWide]);
  useEffect(() => {
    main.current?.scrollTo(0, 0);
  }, [pathname]);
  const keysOf = useKeymap();
  useShortcuts("Everywhere", {
    palette: () => setPalette(true),
    help: () => setHelp(true),
    rail: () => setWide((it) => !it),
    ...Object.fromEntries(places.map(({ to, key }) => [key, () => void navigate(to)])),
  });
  return (
    <div className="flex h-dvh flex-col">
      <a href="#main" className="sr-only z-50 rounded-md bg-fill px-3 py-2 text-white focus:not-sr-only focus:fixed focus:left-2 focus:top-2">
        Skip to content
      </a>
      <header className="flex h-11 shrink-0 items-center gap-1 border-b bg-panel px-2">
        <IconButton label={isWide ? "Fold the rail" : "Unfold the rail"} icon={PanelLeft} shortcut={spoken(keysOf("Everywhere.rail"))} aria-expanded={isWide} aria-controls="rail" onClick={() => setWide(!isWide)} className="max-md:hidden" />
        <NavLink to={paths.home()} className="inline-flex h-8 items-center rounded-md px-1.5 text-base font-semibold tracking-tight">Sartiq</NavLink>
        <span className="min-w-0 truncate text-soft">{organization}</span>
        <div className="ml-auto flex items-center gap-0.5">
          <ConnectionDot />
          <IconButton label="Go anywhere" shortcut={spoken(keysOf("Everywhere.palette"))} icon={Search} onClick={() => setPalette(true)} />
          <UploadTray />
          <UserMenu onHelp={() => setHelp(true)} />
        </div>
      </header>
      <OfflineBanner />
      <div className="flex min-h-0 flex-1 max-md:flex-col-reverse">
        <Rail places={places} isWide={isWide} />
        <main id="main" ref={main} tabIndex={-1} className="min-h-0 min-w-0 flex-1 overflow-y-auto scroll-pb-(--foot) outline-none">
          {children}
        </main>
      </div>
      {isPalette && <Suspense fallback={null}><Palette places={places} onClose={() => setPalette(false)} /></Suspense>}
      {isHelp && <ShortcutHelp onClose={() => setHelp(false)} />}
    </div>
  );
}

const MORE = "flex min-w-0 flex-1 flex-col items-center gap-0.5 rounded-md px-1 py-1 text-xs";

/** At the left; on narrow screens at the bottom, where the thumb is, with what is used most. */
function Rail({ places, isWide }: { places: Place[]; isWide: boolean }) {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const keysOf = useKeymap();
  const isAt = ({ to, also }: Place) => (to === "/" ? pathname === to : pathname.startsWith(also ?? to));
  const others = places.filter((it) => !it.isMain);
  return (
    <nav
      id="rail"
      aria-label="Main"
      className={cx(
        "flex shrink-0 gap-0.5 bg-panel p-1.5 md:flex-col md:overflow-y-auto md:border-r max-md:border-t max-md:pb-[max(0.375rem,env(safe-area-inset-bottom))]",
        isWide ? "md:w-40" : "md:w-12",
      )}
    >
      {places.map(({ to, name, icon: Icon, key, also, isMain }) => (
        <NavLink
          key={to}
          to={to}
          end={to === "/"}
          title={`${name} (${spoken(keysOf(commandOf("Everywhere", key)))})`}
          className={({ isActive }) =>
            cx(
              "flex items-center gap-2.5 rounded-md px-2.5 max-md:min-w-0 max-md:flex-1 max-md:flex-col max-md:gap-0.5 max-md:px-1 max-md:py-1 max-md:text-xs md:h-8 md:shrink-0",
              !isMain && "max-md:hidden",
              isActive || (also && pathname.startsWith(also)) ? "bg-tint font-medium text-accent" : "text-soft hover:bg-hover hover:text-ink",
            )
          }
        >
          <Icon aria-hidden className="size-4 shrink-0" />
          <span className={cx("max-w-full truncate", !isWide && "md:sr-only")}>{name}</span>
        </NavLink>
      ))}
      <Menu trigger={<button type="button" className={cx(MORE, "md:hidden", others.some(isAt) ? "bg-tint font-medium text-accent" : "text-soft")}><Ellipsis aria-hidden className="size-4" />More</button>}>
        {others.map(({ to, name, icon }) => <MenuItem key={to} icon={icon} onSelect={() => void navigate(to)}>{name}</MenuItem>)}
      </Menu>
    </nav>
  );
}
