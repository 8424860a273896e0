import { Ban, CircleCheck, CircleDashed, CircleX, type LucideIcon } from "lucide-react";
import { Export_State, FileFormat_Type, type FileFormat } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { Target_State } from "~/api/gen/sartiq/delivery/v1/target_pb";
import type { Tone } from "~/ui/badge";

export const isEnded = (state: Export_State) => state >= Export_State.COMPLETED;

const TYPES: Record<FileFormat_Type, string> = {
  [FileFormat_Type.UNSPECIFIED]: "As made", [FileFormat_Type.JPEG]: "JPEG", [FileFormat_Type.PNG]: "PNG", [FileFormat_Type.WEBP]: "WebP",
};

/** `JPEG, longest edge 2000 px, quality 90`. */
export function formatWord(format: FileFormat | undefined): string {
  if (!format) return TYPES[FileFormat_Type.UNSPECIFIED];
  const isLossy = format.type === FileFormat_Type.JPEG || format.type === FileFormat_Type.WEBP;
  return [
    TYPES[format.type], format.longEdgePx > 0 && `longest edge ${format.longEdgePx} px`, isLossy && `quality ${format.quality || 90}`,
  ].filter(Boolean).join(", ");
}

export const TARGETS: Record<Target_State, [word: string, icon: LucideIcon, tone: Tone]> = {
  [Target_State.UNSPECIFIED]: ["Unknown", Ban, "plain"],
  [Target_State.UNTESTED]: ["Not tested", CircleDashed, "plain"],
  [Target_State.ACTIVE]: ["Works", CircleCheck, "ok"],
  [Target_State.REFUSED]: ["Refuses our key", CircleX, "bad"],
};
