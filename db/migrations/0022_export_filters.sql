-- Exports of the chats in which a model answered, or with a rating.
-- compatible
-- The version before takes no such filter. One that is queued when it starts again is written without the filter, to the admin who may read all.

alter table exports
    add column model text,
    add column rating text,
    add constraint exports_model_check check (char_length(model) between 1 and 256),
    add constraint exports_rating_check check (rating in ('up', 'down', 'none'));
