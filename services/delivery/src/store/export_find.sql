select
    export_id, organization_id, state, name, shooting_id, target_id, media_type, long_edge_px, quality,
    run, pauses, stuck_since, zip_key, zip_bytes, zip_expires_at, problem, created_at, ended_at, traceparent,
    tally.items as "items!", tally.delivered as "delivered!", tally.failed as "failed!"
from delivery.export
cross join lateral (
    select
        count(*)::integer as items,
        (count(*) filter (where item.state = 'delivered'))::integer as delivered,
        (count(*) filter (where item.state = 'failed'))::integer as failed
    from delivery.export_item as item
    where item.export_id = export.export_id
) as tally
where organization_id = $1 and export_id = any($2)
order by export_id desc
