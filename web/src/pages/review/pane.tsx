import { useQuery } from "@tanstack/react-query";
import { ImageOff } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore, type CSSProperties, type ReactNode } from "react";
import { mediaQuery, urlQuery } from "~/api/media";
import { cx } from "~/lib/cx";
import { FIT, transformOf, zoomedAt, type Box, type ViewStore } from "./zoom";

/** A picture that is ready to be shown. */
export interface Layer { mediaId: string; url: string }

/** Shows 100 % where the pointer is, or was last. */
export interface Pointer { current: (() => void) | undefined }

interface PaneProps {
  /** What it shows, for whoever does not see it. */
  alt: string;
  /** The one that is shown. Empty while that is not known. */
  mediaId: string;
  /** Others that stand ready, so that they are there at once. */
  ahead?: Layer[];
  view: ViewStore;
  pointer: Pointer;
  /** Called after a swipe, with 1 for the next one and -1 for the one before. */
  onSwipe?: (step: 1 | -1) => void;
  className?: string;
  style?: CSSProperties;
  children?: ReactNode;
}

const SWIPE_PX = 60;

/** A picture as large as there is room, which can be zoomed and moved. Panes with the same view move together. */
export function Pane({ alt, mediaId, ahead = [], view, pointer, onSwipe, className, style, children }: PaneProps) {
  const box = useRef<HTMLDivElement>(null);
  const moved = useRef<HTMLDivElement>(null);
  const size = useRef<Box>({ width: 1, height: 1 });
  const about = useQuery(mediaQuery(mediaId)).data;
  const signed = useQuery(urlQuery(mediaId, 1280));
  const isZoomed = useSyncExternalStore(view.subscribe, () => view.get().zoom > 1.01);
  const whole = useQuery({ ...urlQuery(mediaId, 0), enabled: isZoomed && mediaId !== "" });
  const ratio = about && about.heightPx > 0 ? about.widthPx / about.heightPx : 0.8;
  const facts = useRef({ ratio, widthPx: 0 });
  facts.current = { ratio, widthPx: about?.widthPx ?? 0 };
  const [brokenUrl, setBroken] = useState("");

  const layers = [...ahead.filter((it) => it.mediaId !== mediaId), ...(signed.data ? [{ mediaId, url: signed.data.url }] : [])];
  // The order is that of the ids: what is there already is not moved about.
  layers.sort((one, other) => (one.mediaId < other.mediaId ? -1 : 1));

  useLayoutEffect(() => {
    const apply = () => {
      if (moved.current) moved.current.style.transform = transformOf(view.get(), size.current, facts.current.ratio);
    };
    const observer = new ResizeObserver(([entry]) => {
      size.current = { width: entry!.contentRect.width, height: entry!.contentRect.height };
      apply();
    });
    observer.observe(box.current!);
    apply();
    const leave = view.subscribe(apply);
    return () => {
      observer.disconnect();
      leave();
    };
  }, [view, ratio]);

  useEffect(() => {
    const element = box.current!;
    const at = (event: MouseEvent) => {
      const { left, top } = element.getBoundingClientRect();
      return [event.clientX - left, event.clientY - top] as const;
    };
    const zoomAt = (zoom: number, px: number, py: number) => view.set(zoomedAt(view.get(), zoom, px, py, size.current, facts.current.ratio));
    /** One pixel of the picture on one pixel of the screen. */
    const natural = () => {
      const shown = Math.min(size.current.width, size.current.height * facts.current.ratio);
      return Math.max(1.5, facts.current.widthPx / shown / window.devicePixelRatio);
    };
    let [lastX, lastY] = [size.current.width / 2, size.current.height / 2];
    let drag: { x: number; y: number; startX: number } | undefined;
    const remember = () => {
      pointer.current = () => zoomAt(natural(), lastX, lastY);
    };
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      zoomAt(view.get().zoom * Math.exp(-event.deltaY * 0.0015), ...at(event));
    };
    const onMove = (event: PointerEvent) => {
      [lastX, lastY] = at(event);
      remember();
      if (!drag || view.get().zoom <= 1) return;
      const { zoom, x, y } = view.get();
      const shown = Math.min(size.current.width, size.current.height * facts.current.ratio);
      const next = { zoom, x: x - (event.clientX - drag.x) / (shown * zoom), y: y - (event.clientY - drag.y) / ((shown / facts.current.ratio) * zoom) };
      Object.assign(drag, { x: event.clientX, y: event.clientY });
      view.set(zoomedAt(next, zoom, size.current.width / 2, size.current.height / 2, size.current, facts.current.ratio));
    };
    const onDown = (event: PointerEvent) => {
      if (event.button !== 0 || (event.target as Element).closest("button,input,a")) return;
      element.setPointerCapture(event.pointerId);
      drag = { x: event.clientX, y: event.clientY, startX: event.clientX };
    };
    const onUp = (event: PointerEvent) => {
      const way = drag ? event.clientX - drag.startX : 0;
      drag = undefined;
      if (event.pointerType === "touch" && view.get().zoom <= 1 && Math.abs(way) > SWIPE_PX) swipe.current?.(way < 0 ? 1 : -1);
    };
    const onDouble = (event: MouseEvent) => (view.get().zoom > 1 ? view.set(FIT) : zoomAt(natural(), ...at(event)));
    if (!pointer.current) remember();
    element.addEventListener("wheel", onWheel, { passive: false });
    element.addEventListener("pointermove", onMove);
    element.addEventListener("pointerdown", onDown);
    element.addEventListener("pointerup", onUp);
    element.addEventListener("pointercancel", onUp);
    element.addEventListener("dblclick", onDouble);
    return () => {
      element.removeEventListener("wheel", onWheel);
      element.removeEventListener("pointermove", onMove);
      element.removeEventListener("pointerdown", onDown);
      element.removeEventListener("pointerup", onUp);
      element.removeEventListener("pointercancel", onUp);
      element.removeEventListener("dblclick", onDouble);
      pointer.current = undefined;
    };
  }, [view, pointer]);
  const swipe = useRef(onSwipe);
  useEffect(() => {
    swipe.current = onSwipe;
  });

  const isMissing = signed.isError || (signed.data !== undefined && brokenUrl === signed.data.url);
  return (
    <div ref={box} style={style} className={cx("relative min-h-0 min-w-0 touch-none select-none overflow-hidden bg-sunken", isZoomed && "cursor-grab active:cursor-grabbing", className)}>
      <div ref={moved} className="absolute inset-0 origin-top-left">
        {layers.map((it) => (
          <img
            key={it.mediaId}
            src={it.url}
            alt={it.mediaId === mediaId ? alt : ""}
            data-shown={it.mediaId === mediaId ? it.mediaId : undefined}
            draggable={false}
            decoding={it.mediaId === mediaId ? "sync" : "async"}
            className={cx("absolute inset-0 size-full object-contain", it.mediaId !== mediaId && "invisible")}
            onLoad={(event) => void event.currentTarget.decode().catch(() => undefined)}
            onError={() => setBroken(it.url)}
          />
        ))}
        {isZoomed && whole.data && <img key={whole.data.url} src={whole.data.url} alt="" draggable={false} className="absolute inset-0 size-full object-contain" />}
      </div>
      {/* What it is is not known yet. */}
      {mediaId === "" && <span aria-hidden className="absolute inset-0 grid place-items-center [container-type:size]"><span className="skeleton aspect-[4/5] h-[min(100cqh,125cqw)]" /></span>}
      {isMissing && (
        <span role="img" aria-label={`${alt || "Picture"} (cannot be shown)`} className="absolute inset-0 grid place-items-center text-soft">
          <ImageOff aria-hidden className="size-7 opacity-60" />
        </span>
      )}
      {children}
    </div>
  );
}

/** What a pane shows, in a word. */
export function PaneLabel({ children }: { children: ReactNode }) {
  return <span className="pointer-events-none absolute left-2 top-2 rounded-sm bg-panel/95 px-1.5 py-0.5 text-xs font-medium">{children}</span>;
}
