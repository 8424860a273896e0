import { create } from "@bufbuild/protobuf";
import type { ConnectRouter } from "@connectrpc/connect";
import { Attempt_Phase, Task_State, TaskSchema, type Task } from "~/api/gen/sartiq/compute/v1/task_pb";
import { TaskService } from "~/api/gen/sartiq/compute/v1/task_service_pb";
import type { Workflow } from "~/api/gen/sartiq/compute/v1/workflow_pb";
import { WorkflowService } from "~/api/gen/sartiq/compute/v1/workflow_service_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { db, find, newest, page } from "./db";

const STATES: Partial<Record<Prediction_State, Task_State>> = {
  [Prediction_State.EXPECTED]: Task_State.QUEUED, [Prediction_State.RENDERING]: Task_State.RUNNING, [Prediction_State.READY]: Task_State.COMPLETED,
  [Prediction_State.FAILED]: Task_State.FAILED, [Prediction_State.CANCELLED]: Task_State.CANCELLED,
};

/** The task that makes a picture: as far as the picture is. */
function taskOf(workflow: Workflow, made: Prediction): Task {
  const state = STATES[made.state] ?? Task_State.RUNNING;
  const attempt = {
    number: 1, phase: state === Task_State.COMPLETED ? Attempt_Phase.DONE : Attempt_Phase.AWAITING, provider: "memory", model: "canvas", vendorJobId: `job-${made.id.slice(0, 8)}`,
    ...(made.createTime && { startTime: made.createTime }), ...(made.cost && { cost: made.cost }),
  };
  return create(TaskSchema, {
    id: made.id, workflowId: workflow.id, node: `image_${made.index}`, state, attempts: state === Task_State.QUEUED ? [] : [attempt],
    ...(made.createTime && { createTime: made.createTime }), ...(made.readyTime && { endTime: made.readyTime }),
  });
}

function tasksOf(workflow: Workflow): Task[] {
  return [...db.predictions.values()].filter((it) => it.generationId === workflow.reference).map((it) => taskOf(workflow, it));
}

export function compute(router: ConnectRouter): void {
  router.service(WorkflowService, {
    getWorkflow: ({ id }) => ({ workflow: find(db.workflows, id, "workflow") }),
    getWorkflowResult: ({ id }) => {
      const workflow = find(db.workflows, id, "workflow");
      return { workflow, tasks: tasksOf(workflow) };
    },
    listWorkflows: (request) => {
      const { items, nextPageToken } = page(newest(db.workflows).filter((it) => !request.state || it.state === request.state), request);
      return { workflows: items, nextPageToken };
    },
  });
  router.service(TaskService, {
    listTasks: (request) => {
      const open = [...db.workflows.values()].flatMap(tasksOf).filter((it) => it.state < Task_State.COMPLETED);
      const { items, nextPageToken } = page(open, request);
      return { tasks: items, nextPageToken };
    },
  });
}
