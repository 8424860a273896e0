-- Undoes the statement that calls it: something was not where it was thought to be.
create function compute.undo() returns boolean language plpgsql as $$
begin
    raise exception 'something was not where it was thought to be' using errcode = 'UNDO0';
end
$$;
