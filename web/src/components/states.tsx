import {
  Ban, CircleCheck, CircleDashed, CircleDot, CirclePause, CircleX, Clock, Archive, LoaderCircle, MessageSquareWarning, PackageCheck,
  PencilRuler, type LucideIcon,
} from "lucide-react";
import { Task_State } from "~/api/gen/sartiq/compute/v1/task_pb";
import { Workflow_State } from "~/api/gen/sartiq/compute/v1/workflow_pb";
import { Export_State, ExportItem_State } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { Generation_State } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { Prediction_State } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { Shooting_State } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { Badge, type Tone } from "~/ui/badge";

type Entry = [word: string, icon: LucideIcon, tone: Tone, spin?: boolean];
const NONE: Entry = ["Unknown", CircleDashed, "plain"];

/** One word, one icon and one tone for each state of each thing, everywhere the same. */
const SHOOTING: Record<Shooting_State, Entry> = {
  [Shooting_State.UNSPECIFIED]: NONE,
  [Shooting_State.DRAFT]: ["Draft", PencilRuler, "plain"],
  [Shooting_State.IN_PRODUCTION]: ["In production", LoaderCircle, "accent"],
  [Shooting_State.IN_REVIEW]: ["In review", CircleDot, "warn"],
  [Shooting_State.APPROVED]: ["Approved", CircleCheck, "ok"],
  [Shooting_State.ARCHIVED]: ["Archived", Archive, "plain"],
};
const SHOT: Record<Shot_State, Entry> = {
  [Shot_State.UNSPECIFIED]: NONE,
  [Shot_State.PLANNED]: ["Planned", CircleDashed, "plain"],
  [Shot_State.GENERATING]: ["Generating", LoaderCircle, "accent", true],
  [Shot_State.TO_REVIEW]: ["To review", CircleDot, "warn"],
  [Shot_State.REVISION_REQUESTED]: ["Revision", MessageSquareWarning, "accent"],
  [Shot_State.APPROVED]: ["Approved", CircleCheck, "ok"],
  [Shot_State.REJECTED]: ["Rejected", CircleX, "bad"],
};
const GENERATION: Record<Generation_State, Entry> = {
  [Generation_State.UNSPECIFIED]: NONE,
  [Generation_State.PENDING]: ["Waiting", Clock, "plain"],
  [Generation_State.PROCESSING]: ["Generating", LoaderCircle, "accent", true],
  [Generation_State.COMPLETED]: ["Completed", CircleCheck, "ok"],
  [Generation_State.FAILED]: ["Failed", CircleX, "bad"],
  [Generation_State.CANCELLED]: ["Stopped", Ban, "plain"],
};
const PREDICTION: Record<Prediction_State, Entry> = {
  [Prediction_State.UNSPECIFIED]: NONE,
  [Prediction_State.EXPECTED]: ["Waiting", Clock, "plain"],
  [Prediction_State.RENDERING]: ["Rendering", LoaderCircle, "accent", true],
  [Prediction_State.POST_PROCESSING]: ["Finishing", LoaderCircle, "accent", true],
  [Prediction_State.READY]: ["Ready", CircleCheck, "ok"],
  [Prediction_State.FAILED]: ["Failed", CircleX, "bad"],
  [Prediction_State.CANCELLED]: ["Stopped", Ban, "plain"],
};
const EXPORT: Record<Export_State, Entry> = {
  [Export_State.UNSPECIFIED]: NONE,
  [Export_State.QUEUED]: ["Waiting", Clock, "plain"],
  [Export_State.DELIVERING]: ["Delivering", LoaderCircle, "accent", true],
  [Export_State.WAITING]: ["Waits for the target", CirclePause, "warn"],
  [Export_State.COMPLETED]: ["Delivered", PackageCheck, "ok"],
  [Export_State.PARTIALLY_COMPLETED]: ["Partly delivered", MessageSquareWarning, "warn"],
  [Export_State.FAILED]: ["Failed", CircleX, "bad"],
  [Export_State.CANCELLED]: ["Cancelled", Ban, "plain"],
};
const EXPORT_ITEM: Record<ExportItem_State, Entry> = {
  [ExportItem_State.UNSPECIFIED]: NONE,
  [ExportItem_State.PENDING]: ["Waiting", Clock, "plain"],
  [ExportItem_State.DELIVERED]: ["Delivered", PackageCheck, "ok"],
  [ExportItem_State.FAILED]: ["Failed", CircleX, "bad"],
  [ExportItem_State.CANCELLED]: ["Cancelled", Ban, "plain"],
};
const WORKFLOW: Record<Workflow_State, Entry> = {
  [Workflow_State.UNSPECIFIED]: NONE,
  [Workflow_State.PENDING]: ["Waiting", Clock, "plain"],
  [Workflow_State.RUNNING]: ["Running", LoaderCircle, "accent", true],
  [Workflow_State.COMPLETED]: ["Completed", CircleCheck, "ok"],
  [Workflow_State.FAILED]: ["Failed", CircleX, "bad"],
  [Workflow_State.CANCELLED]: ["Cancelled", Ban, "plain"],
};
const TASK: Record<Task_State, Entry> = {
  [Task_State.UNSPECIFIED]: NONE,
  [Task_State.BLOCKED]: ["Waits for others", CircleDashed, "plain"],
  [Task_State.QUEUED]: ["Waiting", Clock, "plain"],
  [Task_State.RUNNING]: ["Running", LoaderCircle, "accent", true],
  [Task_State.RETRY_WAIT]: ["Tries again soon", CirclePause, "warn"],
  [Task_State.COMPLETED]: ["Completed", CircleCheck, "ok"],
  [Task_State.FAILED]: ["Failed", CircleX, "bad"],
  [Task_State.CANCELLED]: ["Cancelled", Ban, "plain"],
  [Task_State.SKIPPED]: ["Skipped", Ban, "plain"],
};

function badge<S extends number>(entries: Record<S, Entry>) {
  return function StateBadge({ state, solid }: { state: S; /** On pictures. */ solid?: boolean }) {
    const [word, icon, tone, spin] = entries[state] ?? NONE;
    return <Badge icon={icon} tone={tone} spin={spin ?? false} solid={solid ?? false}>{word}</Badge>;
  };
}

export const ShootingBadge = badge(SHOOTING);
export const ShotBadge = badge(SHOT);
export const GenerationBadge = badge(GENERATION);
export const PredictionBadge = badge(PREDICTION);
export const ExportBadge = badge(EXPORT);
export const ExportItemBadge = badge(EXPORT_ITEM);
export const WorkflowBadge = badge(WORKFLOW);
export const TaskBadge = badge(TASK);
