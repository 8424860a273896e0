select g.generation_id, g.organization_id, g.shot_id, g.shooting_id, g.state, g.kind,
       g.parent_prediction_id, g.note, g.workflow_id, g.requested_count, g.configuration, g.graph,
       g.quoted_micros, g.currency, g.error_reason, g.error_message, g.is_retryable,
       g.created_at, g.ended_at, g.traceparent,
       tally.ready as "ready!", tally.failed as "failed!", tally.outstanding as "outstanding!",
       tally.cost_micros as "cost_micros!"
from generation.generation g
cross join lateral (
    select (count(*) filter (where p.state = 'ready'))::int as ready,
           (count(*) filter (where p.state = 'failed'))::int as failed,
           (count(*) filter (where p.state in ('expected', 'rendering', 'post_processing')))::int
               as outstanding,
           coalesce(sum(p.cost_micros), 0)::bigint as cost_micros
    from generation.prediction p
    where p.generation_id = g.generation_id
) as tally
where g.organization_id = $1 and g.generation_id = any($2)
