-- What lists are narrowed to, each read as one range.

-- The shooting of a prediction, which never changes, so that the predictions of one lie together.
alter table generation.prediction add column shooting_id uuid;
update generation.prediction set shooting_id = generation.shooting_id
from generation.generation
where generation.generation_id = prediction.generation_id;
alter table generation.prediction alter column shooting_id set not null;
create index prediction_of_shooting on generation.prediction (shooting_id, prediction_id);

create index generation_of_state
    on generation.generation (organization_id, state, generation_id);
