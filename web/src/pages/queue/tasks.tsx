import { useInfiniteQuery } from "@tanstack/react-query";
import { CircleCheckBig } from "lucide-react";
import { taskList } from "~/api/compute";
import { Attempt_Phase, Task_State, type Task } from "~/api/gen/sartiq/compute/v1/task_pb";
import { EndOfList } from "~/components/end-of-list";
import { Empty, ErrorPanel, SkeletonRows } from "~/components/state";
import { TaskBadge } from "~/components/states";
import { ago, date, money, seconds, words } from "~/lib/format";
import { Table, type Column } from "~/ui/table";

const NODES: Record<string, string> = { prompt: "Prompt", image: "Picture", post: "Finish", gather: "Gather", result: "Gather" };

/** `image_0` to `Picture 1`. */
export function nodeWord(node: string): string {
  const [, name = node, number] = /^(.*?)_?(\d+)?$/.exec(node) ?? [];
  return `${NODES[name] ?? words(name)}${number === undefined ? "" : ` ${Number(number) + 1}`}`;
}

const columns: Column<Task>[] = [
  { title: "Task", cell: (it) => <span className="font-medium">{nodeWord(it.node)}</span> },
  { title: "State", clear: true, cell: (it) => <TaskState task={it} /> },
  { title: "Provider", cell: (it) => <Where task={it} /> },
  { title: "Tries", end: true, cell: (it) => it.attempts.length },
  { title: "Accepted", end: true, cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.createTime)}</span> },
];

/** What has not ended, oldest first: the steps that runs are made of. */
export function Tasks() {
  const list = useInfiniteQuery(taskList());
  const found = list.data?.pages.flatMap((it) => it.tasks) ?? [];
  if (list.error) return <ErrorPanel error={list.error} onRetry={list.refetch} />;
  if (list.isPending) return <SkeletonRows what="the tasks" />;
  if (found.length === 0) return <Empty icon={CircleCheckBig} title="Nothing waits">Every task has ended.</Empty>;
  return <><Table label="Tasks" columns={columns} rows={found} rowKey={(it) => it.id} /><EndOfList list={list} /></>;
}

/** The tasks of one run, with their attempts. */
export function TaskTable({ tasks }: { tasks: Task[] }) {
  return (
    <Table
      label="Tasks" rows={tasks} rowKey={(it) => it.id}
      columns={[
        ...columns.slice(0, 4),
        { title: "Vendor's id", cell: (it) => <code className="block max-w-40 truncate text-xs text-soft" title={it.attempts.at(-1)?.vendorJobId}>{it.attempts.at(-1)?.vendorJobId || "–"}</code>, className: "max-md:hidden" },
        { title: "Took", end: true, cell: (it) => duration(it) || "–" },
        { title: "Cost", end: true, cell: (it) => { const cost = it.attempts.findLast((one) => one.cost)?.cost; return cost ? money(cost) : "–"; } },
      ]}
    />
  );
}

function duration(task: Task): string {
  const [start, end] = [date(task.attempts[0]?.startTime ?? task.createTime), date(task.endTime)];
  return start && end ? seconds((end.getTime() - start.getTime()) / 1000) : "";
}

function TaskState({ task }: { task: Task }) {
  const isDoubtful = task.attempts.at(-1)?.phase === Attempt_Phase.IN_DOUBT;
  const next = date(task.nextAttemptTime);
  return (
    <span className="grid">
      <TaskBadge state={task.state} />
      {task.state === Task_State.RETRY_WAIT && next && <span className="text-xs text-soft">at {next.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", second: "2-digit" })}</span>}
      {task.failure && task.state !== Task_State.COMPLETED && <span className="max-w-80 text-xs text-bad">{task.failure.message}</span>}
      {isDoubtful && <span className="max-w-80 text-xs text-warn">The provider may have taken it; nobody can know.</span>}
    </span>
  );
}

function Where({ task }: { task: Task }) {
  const attempt = task.attempts.at(-1);
  if (!attempt?.provider) return <span className="text-soft">–</span>;
  return <span className="grid"><span>{attempt.provider}</span><span className="max-w-56 truncate text-xs text-soft" title={attempt.model}>{attempt.model}</span></span>;
}
