import { useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, Columns2, Info, Maximize, Pin, SplitSquareHorizontal, ZoomIn } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { productQuery } from "~/api/catalog";
import { Decision_Kind, RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { generationQuery } from "~/api/generation";
import { meQuery, useRights } from "~/api/identity";
import { urlQuery } from "~/api/media";
import { commandOf, spoken, useKeymap, type ActionOf } from "~/components/keymap";
import { frontOf } from "~/components/pickers";
import { Picture } from "~/components/picture";
import { useShortcuts } from "~/components/shortcuts";
import { ErrorPanel } from "~/components/state";
import { cx } from "~/lib/cx";
import { IconButton } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { About, Aside } from "./aside";
import { DecisionBar, type Asking } from "./bar";
import { decide, undoShot } from "./decisions";
import { standing } from "./marks";
import { Pane, PaneLabel, type Pointer } from "./pane";
import { isOpen, isReady, nextWaiting, useReel, type Frame } from "./reel";
import { Strip } from "./strip";
import { DECISIONS, REASONS } from "./words";
import { createView, FIT } from "./zoom";

/** What of the single view is in the URL. */
export interface Place { shot: string; prediction?: string; compare?: string; mode?: string; pin?: string }
interface SingleProps { frames: Frame[]; index: number; place: Place; go: (place: Place) => void; onSheet: () => void; onFinished: () => void }

/** Notes that were begun, until they are sent. */
const drafts = new Map<string, string>();

/** One shot as large as there is room, decided from the keyboard. */
export function Single({ frames, index, place, go, onSheet, onFinished }: SingleProps) {
  const { shot, look, title } = frames[index]!;
  const { reading, ahead } = useReel(frames, index);
  const { predictions = [], decisions } = reading;
  const ready = predictions.filter(isReady);
  const current = ready.find((it) => it.id === place.prediction) ?? reading.chosen;
  const at = current ? ready.indexOf(current) : -1;
  const other = ready.find((it) => it.id === place.compare && it.id !== current?.id);
  const isWipe = place.mode === "wipe";
  const parent = useQuery({ ...generationQuery(current?.generationId ?? ""), enabled: current !== undefined }).data?.generation?.parentPredictionId;
  const product = useQuery({ ...productQuery(look?.productId ?? ""), enabled: look !== undefined }).data;
  const [picked, setPicked] = useState("");
  const photo = product?.photos.some((it) => it.mediaId === picked) ? picked : frontOf(product);
  const truth = useQuery(urlQuery(photo, 1280)).data;
  const { decide: mayDecide, make } = useRights();
  const userId = useQuery(meQuery()).data?.user?.id ?? "";

  const [asking, setAsking] = useState<Asking>("decision");
  const [said, setSaid] = useState("");
  const [isTruth, setTruth] = useState(false);
  const [isBlink, setBlink] = useState(false);
  const [isAbout, setAbout] = useState(false);
  const [wipe, setWipe] = useState(50);
  const [view] = useState(createView);
  const [pinned] = useState(createView);
  const pointer: Pointer = useRef<(() => void) | undefined>(undefined);
  // Each shot begins as a whole, before the first key can be meant for it.
  useLayoutEffect(() => {
    view.set(FIT);
    setAsking("decision");
    setPicked("");
  }, [shot.id, view]);

  const keep = { ...(place.pin && { pin: place.pin }) };
  const step = (by: number) => frames[index + by] && go({ ...keep, shot: frames[index + by]!.shot.id });
  const pick = (to: number) => ready[to] && go({ ...place, prediction: ready[to].id });
  const failure = reading.error ?? undefined;
  const latest = decisions.find((it) => !it.undoTime);
  const reason = !current && "There is no picture to decide on yet.";

  const advance = (isShotOver: boolean) => {
    const left = isShotOver ? undefined : ready.find((it) => it.id !== current?.id && !standing(decisions, it.id));
    const next = nextWaiting(frames, index)[0];
    if (left) go({ ...keep, shot: shot.id, prediction: left.id });
    else if (next) go({ ...keep, shot: next.shot.id });
    else onFinished();
  };
  const settle = (kind: Decision_Kind, why: RejectReason = RejectReason.UNSPECIFIED, note = "") => {
    if (!current || !mayDecide) return;
    setAsking("decision");
    const now = standing(decisions, current.id);
    const isSame = kind === Decision_Kind.APPROVE ? shot.selectedPredictionId === current.id : kind === Decision_Kind.REJECT && now?.kind === kind;
    const isLast = ready.every((it) => it.id === current.id || standing(decisions, it.id)?.kind === Decision_Kind.REJECT);
    if (!isSame) decide({ predictionId: current.id, kind, reason: why, note }, { shot, title, isLast, userId });
    setSaid(`${DECISIONS[kind][0]}: ${title}`);
    advance(kind !== Decision_Kind.REJECT || isLast);
  };
  const undo = () => {
    if (!latest) return;
    undoShot(shot, title, latest);
    setSaid(`Undone: ${title}`);
    go({ ...keep, shot: shot.id, prediction: latest.predictionId });
  };
  const compareWith = ready.find((it) => it.id === parent) ?? ready[at + 1] ?? ready[at - 1];
  const compare = () => {
    const { compare: _, mode: __, ...rest } = place;
    if (other) go(rest);
    else if (current && compareWith) go({ ...place, prediction: current.id, compare: compareWith.id });
  };
  const setMode = (mode: string) => other && go({ ...place, mode: place.mode === mode ? "" : mode });
  const pin = () => go({ ...place, pin: place.pin ? "" : "1" });
  const ask = (next: Asking) => current && setAsking(next);

  const choose = (digit: number) => {
    if (asking !== "reason") return pick(digit);
    const why = REASONS[digit]?.[0];
    if (why === RejectReason.OTHER) setAsking("other");
    else if (why) settle(Decision_Kind.REJECT, why);
  };
  const close = () => (asking !== "decision" ? setAsking("decision") : other ? compare() : onSheet());
  useShortcuts("Review", {
    ...(mayDecide && { approve: () => settle(Decision_Kind.APPROVE), reject: () => void ask("reason"), ...(make && { revise: () => void ask("revision") }), undo }),
    next: () => void step(1), previous: () => void step(-1), nextVariant: () => void pick(at + 1), previousVariant: () => void pick(at - 1),
    zoom: { run: () => pointer.current?.(), release: () => view.set(FIT) }, fit: () => view.set(FIT),
    truth: { run: () => setTruth(true), release: () => setTruth(false) }, pin,
    compare, wipe: () => void setMode("wipe"), blink: { run: () => setBlink(true), release: () => setBlink(false) }, sheet: onSheet, close,
    ...Object.fromEntries(Array.from({ length: 9 }, (_, digit) => [`choose${digit + 1}`, () => void choose(digit)])),
  });
  const keysOf = useKeymap();
  const key = (action: ActionOf<"Review">) => spoken(keysOf(commandOf("Review", action)));

  const about = { product, prediction: current, decisions, photo, onPhoto: setPicked };
  const alt = current ? `${title}, variant ${at + 1}` : title;
  const shown = isTruth && photo ? photo : isBlink && other ? other.mediaId : current?.mediaId ?? "";
  const label = isTruth && photo ? "Product photo" : isBlink && other ? `Variant ${ready.indexOf(other) + 1}` : other ? `Variant ${at + 1}` : "";
  const first = (
    <Pane
      alt={isTruth ? `Product photo of ${product?.name ?? title}` : alt} mediaId={shown} ahead={truth ? [...ahead, { mediaId: photo, url: truth.url }] : ahead}
      view={view} pointer={pointer} onSwipe={step} className="flex-1 max-lg:w-full"
    >
      {label && <PaneLabel>{label}</PaneLabel>}
    </Pane>
  );
  return (
    <div className="-mx-4 -my-3 flex min-h-0 flex-1 sm:-mx-5">
      <div className="flex min-w-0 flex-1 flex-col">
        <div className="relative flex min-h-0 flex-1 gap-px bg-line">
          {failure
            ? <div className="min-w-0 flex-1 bg-ground p-4"><ErrorPanel error={failure} onRetry={reading.retry} /></div>
            : reading.predictions !== undefined && ready.length === 0
              ? <p className="grid flex-1 place-items-center bg-sunken p-4 text-center text-soft">{predictions.some(isOpen) ? "The first picture of this shot is being made." : "No picture of this shot was made."}</p>
              : other && isWipe
                ? (
                  <div className="relative flex min-w-0 flex-1" onPointerMove={(event) => { if (event.buttons === 0) { const { left, width } = event.currentTarget.getBoundingClientRect(); setWipe(((event.clientX - left) / width) * 100); } }}>
                    {first}
                    <Pane alt={`${title}, variant ${ready.indexOf(other) + 1}`} mediaId={other.mediaId} view={view} pointer={pointer} className="!absolute inset-0" style={{ clipPath: `inset(0 0 0 ${wipe}%)` }} />
                    <span aria-hidden className="pointer-events-none absolute inset-y-0 w-px bg-white shadow-[0_0_0_1px_rgb(0_0_0/0.5)]" style={{ left: `${wipe}%` }} />
                    <span className="pointer-events-none absolute right-2 top-2 rounded-sm bg-panel/95 px-1.5 py-0.5 text-xs font-medium">Variant {ready.indexOf(other) + 1}</span>
                    <input type="range" aria-label="Where the wipe stands" min={0} max={100} value={wipe} onChange={(event) => setWipe(Number(event.target.value))} className="absolute inset-x-8 bottom-12 accent-fill opacity-0 focus-visible:opacity-100" />
                  </div>
                )
                : <>
                  {first}
                  {other && <Pane alt={`${title}, variant ${ready.indexOf(other) + 1}`} mediaId={other.mediaId} view={view} pointer={pointer} className="flex-1"><PaneLabel>Variant {ready.indexOf(other) + 1}</PaneLabel></Pane>}
                </>}
          {place.pin && photo && <Pane alt={`Product photo of ${product?.name ?? title}`} mediaId={photo} view={pinned} pointer={pointer} className="flex-1"><PaneLabel>Product photo</PaneLabel></Pane>}
          {photo && !place.pin && !failure && (
            <button
              type="button" aria-label="Product photo: hold to see it in place" title={`Product photo: hold (${key("truth")})`}
              onPointerDown={() => setTruth(true)} onPointerUp={() => setTruth(false)} onPointerLeave={() => setTruth(false)}
              className="absolute right-2 top-2 overflow-hidden rounded-md border shadow-pop lg:hidden"
            >
              <Picture mediaId={photo} alt="" edge={256} className="h-20 w-16" />
            </button>
          )}
          <div role="toolbar" aria-label="View" className={cx("absolute bottom-2 right-2 flex rounded-md bg-panel/95 shadow-pop", Boolean(failure) && "invisible")}>
            <IconButton label="100 %" shortcut={`hold ${key("zoom")}`} icon={ZoomIn} onClick={() => pointer.current?.()} />
            <IconButton label="Fit" shortcut={key("fit")} icon={Maximize} onClick={() => view.set(FIT)} />
            <IconButton label="Pin the product photo beside" shortcut={key("pin")} icon={Pin} pressed={Boolean(place.pin)} reason={!photo && "The product has no photo."} onClick={pin} />
            <IconButton label="About the shot" icon={Info} onClick={() => setAbout(true)} className="lg:hidden" />
            {other && <IconButton label={isWipe ? "Side by side" : "Wipe"} shortcut={key("wipe")} icon={isWipe ? Columns2 : SplitSquareHorizontal} onClick={() => setMode("wipe")} />}
          </div>
        </div>
        <div className="flex shrink-0 flex-wrap border-t bg-panel">
          <div className="flex min-w-0 flex-1 basis-72 items-center gap-1 px-1.5">
            <IconButton label="Shot before" shortcut={key("previous")} icon={ChevronLeft} reason={index === 0 && "This is the first shot."} onClick={() => step(-1)} />
            <div className={cx("min-w-0 flex-1", ready.length === 0 && "min-h-19")}><Strip predictions={predictions} decisions={decisions} current={current?.id ?? ""} onPick={(id) => go({ ...place, prediction: id })} /></div>
            <IconButton label="Next shot" shortcut={key("next")} icon={ChevronRight} reason={index === frames.length - 1 && "This is the last shot."} onClick={() => step(1)} />
          </div>
          <DecisionBar
            asking={asking} onAsk={setAsking} reason={reason} said={said} drafts={drafts} draftKey={current?.id ?? ""}
            onApprove={() => settle(Decision_Kind.APPROVE)} onReject={(why, note) => settle(Decision_Kind.REJECT, why, note)} onRevise={(note) => settle(Decision_Kind.REVISE, undefined, note)}
            onUndo={undo} undoReason={!latest && "Nothing was decided about this shot."}
            onCompare={compare} compareReason={!other && !compareWith && "There is nothing to compare it with."} isComparing={other !== undefined}
          />
        </div>
      </div>
      <Aside {...about} />
      {isAbout && <Dialog drawer title={title} onClose={() => setAbout(false)}><About {...about} /></Dialog>}
    </div>
  );
}
