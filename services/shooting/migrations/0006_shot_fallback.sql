-- The picture that was approved until a revision was asked for, and is again if that makes nothing.
alter table shooting.shot
    add column fallback_prediction_id uuid,
    add constraint shot_falls_back_from_a_revision
        check (fallback_prediction_id is null or state in ('revision_requested', 'generating'));
