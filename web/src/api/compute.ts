import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { TaskService } from "./gen/sartiq/compute/v1/task_service_pb";
import { Workflow_State } from "./gen/sartiq/compute/v1/workflow_pb";
import { WorkflowService } from "./gen/sartiq/compute/v1/workflow_service_pb";
import { keys } from "./keys";
import { paged } from "./pages";
import { transport } from "./transport";

export const workflows = createClient(WorkflowService, transport);
export const tasks = createClient(TaskService, transport);

export const workflowList = (state = Workflow_State.UNSPECIFIED) =>
  paged([...keys.workflows(), { state }], (page, options) => workflows.listWorkflows({ ...page, state }, options));

export const workflowQuery = (id: string) =>
  queryOptions({
    queryKey: keys.workflow(id),
    queryFn: async ({ signal }) => (await workflows.getWorkflow({ id }, { signal })).workflow!,
  });

/** The tasks of a workflow with their attempts and outputs. */
export const workflowResultQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.workflow(id), "result"],
    queryFn: ({ signal }) => workflows.getWorkflowResult({ id }, { signal }),
  });

/** The tasks that have not ended, oldest first. */
export const taskList = () => paged(keys.tasks(), (page, options) => tasks.listTasks(page, options), 200);
