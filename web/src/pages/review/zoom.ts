import { createStore, type Store } from "~/lib/store";

/** What of a picture is seen: how large, and which point of it (from 0 to 1) is in the middle. */
export interface View { zoom: number; x: number; y: number }
/** The whole picture. */
export const FIT: View = { zoom: 1, x: 0.5, y: 0.5 };
const LARGEST = 16;

export type ViewStore = Store<View>;
export const createView = (): ViewStore => createStore(FIT);

export interface Box { width: number; height: number }

/** The size at which a picture of this ratio just fits. */
export function fitted(box: Box, ratio: number): Box {
  const width = Math.min(box.width, box.height * ratio);
  return { width, height: width / ratio };
}

function held(value: number, size: number, room: number): number {
  if (size <= room) return 0.5;
  const half = room / (2 * size);
  return Math.min(1 - half, Math.max(half, value));
}

/** Keeps the picture in its box. */
export function clamped(view: View, box: Box, ratio: number): View {
  const zoom = Math.min(LARGEST, Math.max(1, view.zoom));
  const { width, height } = fitted(box, ratio);
  return { zoom, x: held(view.x, width * zoom, box.width), y: held(view.y, height * zoom, box.height) };
}

/** What is seen after zooming, where the point at `px`, `py` of the box stays where it is. */
export function zoomedAt(view: View, zoom: number, px: number, py: number, box: Box, ratio: number): View {
  const { width, height } = fitted(box, ratio);
  const [dx, dy] = [px - box.width / 2, py - box.height / 2];
  const pointX = view.x + dx / (width * view.zoom);
  const pointY = view.y + dy / (height * view.zoom);
  return clamped({ zoom, x: pointX - dx / (width * zoom), y: pointY - dy / (height * zoom) }, box, ratio);
}

export function transformOf(view: View, box: Box, ratio: number): string {
  const { zoom, x, y } = clamped(view, box, ratio);
  const { width, height } = fitted(box, ratio);
  const left = box.width / 2 - zoom * ((box.width - width) / 2 + x * width);
  const top = box.height / 2 - zoom * ((box.height - height) / 2 + y * height);
  return `translate(${left}px, ${top}px) scale(${zoom})`;
}
