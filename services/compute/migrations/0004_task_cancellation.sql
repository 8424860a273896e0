-- Tasks that are to be cancelled while their workflows go on. A row goes when the owner, which alone decides about
-- tasks, has ended the task.
create table compute.task_cancellation (
    task_key bigint primary key,
    workflow_key bigint not null
);
