-- Whoever takes a job asks whether one of its key is running.
create index job_by_key on generation.job (name, unique_key, state) where unique_key is not null;
