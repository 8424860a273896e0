-- An organization's open tasks, page by page. As an expression: the table is empty now and then, and a plan made then
-- looked single tasks up here, in all of an organization's, rather than by their key.
drop index compute.task_hot_by_organization;
create index task_hot_by_organization on compute.task_hot (organization_id, (-task_key));
