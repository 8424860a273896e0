-- Where in a trace an export was asked for, or asked for again, as W3C writes it, so that its runs go on there.
alter table delivery.export add column traceparent text;
