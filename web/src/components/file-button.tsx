import type { LucideIcon } from "lucide-react";
import { useRef, type ComponentProps } from "react";
import { ACCEPT } from "~/upload/fitness";
import { Button } from "~/ui/button";

/** A button that lets files be chosen. */
export function FileButton({ onFiles, multiple, ...rest }: {
  onFiles: (files: File[]) => void; multiple?: boolean; icon?: LucideIcon;
} & Omit<ComponentProps<typeof Button>, "onClick">) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept={ACCEPT}
        multiple={multiple ?? false}
        hidden
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = "";
          if (files.length > 0) onFiles(files);
        }}
      />
      <Button {...rest} onClick={() => input.current?.click()} />
    </>
  );
}
