-- Whether a generation is for a revision: while one of those is waited for, pictures of others change nothing.
alter table shooting.generation add column is_revision boolean not null default false;
update shooting.generation set is_revision = true
where generation_id in (select generation_id from shooting.decision where generation_id is not null);
