import { Ban, CircleCheck, CircleX, MessageSquareWarning, type LucideIcon } from "lucide-react";
import { Decision_Kind, RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Tone } from "~/ui/badge";

/** Why a picture is rejected, in the order of the keys 1 to 7. */
export const REASONS: [reason: RejectReason, word: string][] = [
  [RejectReason.GARMENT, "Garment is wrong"],
  [RejectReason.COLOUR, "Colour is wrong"],
  [RejectReason.ANATOMY, "Hands, face, limbs"],
  [RejectReason.SUBJECT, "Not the subject"],
  [RejectReason.COMPOSITION, "Pose or framing"],
  [RejectReason.QUALITY, "Technically bad"],
  [RejectReason.OTHER, "Something else"],
];

export const reasonWord = (reason: RejectReason) => REASONS.find(([it]) => it === reason)?.[1] ?? "";

export const DECISIONS: Record<Decision_Kind, [word: string, icon: LucideIcon, tone: Tone]> = {
  [Decision_Kind.UNSPECIFIED]: ["Decided", Ban, "plain"],
  [Decision_Kind.APPROVE]: ["Approved", CircleCheck, "ok"],
  [Decision_Kind.REJECT]: ["Rejected", CircleX, "bad"],
  [Decision_Kind.REVISE]: ["Revision asked for", MessageSquareWarning, "accent"],
};
