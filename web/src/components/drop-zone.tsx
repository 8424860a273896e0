import { ImageDown } from "lucide-react";
import { useEffect, useRef, useState } from "react";

/** All files of what was dropped, those in folders included. */
async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = Array.from(transfer.items, (it) => it.webkitGetAsEntry()).filter((it) => it !== null);
  if (!entries.some((it) => it.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(walk))).flat().filter((it) => !it.name.startsWith("."));
}

async function walk(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    // A folder is read in pieces, until there is none left.
    const piece = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (piece.length === 0) break;
    found.push(...piece);
  }
  return (await Promise.all(found.map(walk))).flat();
}

/** Takes files that are dropped anywhere in the window, while it is shown. */
export function DropZone({ label, onFiles }: { label: string; onFiles: (files: File[]) => void }) {
  const [isOver, setOver] = useState(false);
  const latest = useRef(onFiles);
  useEffect(() => {
    latest.current = onFiles;
  });
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    let depth = 0;
    const on = (name: "dragenter" | "dragleave" | "dragover" | "drop", run: (event: DragEvent) => void) =>
      window.addEventListener(name, (event) => hasFiles(event) && (event.preventDefault(), run(event)), { signal });
    on("dragenter", () => setOver((depth += 1) > 0));
    on("dragleave", () => setOver((depth -= 1) > 0));
    on("dragover", () => undefined);
    on("drop", (event) => {
      depth = 0;
      setOver(false);
      void filesOf(event.dataTransfer!).then((files) => files.length > 0 && latest.current(files));
    });
    return () => abort.abort();
  }, []);
  if (!isOver) return null;
  return (
    <div className="pointer-events-none fixed inset-2 z-50 grid place-items-center rounded-lg border-2 border-dashed border-accent bg-ground/85">
      <p className="flex items-center gap-2 text-lg font-medium">
        <ImageDown aria-hidden className="size-5 text-accent" /> {label}
      </p>
    </div>
  );
}
