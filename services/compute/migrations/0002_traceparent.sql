-- Where in a trace a workflow was asked for, as W3C writes it, so that its attempts go on there.
alter table compute.workflow add column traceparent text;
