-- Where in a trace a generation was asked for, as W3C writes it, so that its jobs go on there.
alter table generation.generation add column traceparent text;
