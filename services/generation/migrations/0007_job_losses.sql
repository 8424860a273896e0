-- How often in a row whoever ran a job was lost: killed, frozen or cut off. No fault of the job's, until it
-- is too often.
alter table generation.job add column losses integer not null default 0;
