-- Ends the transaction of a batch whose watermarks stand elsewhere than where it begins: all its statements are on
-- their way together, so nobody could look in between.
CREATE FUNCTION refuse_moved_watermarks() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a watermark stands elsewhere than where this batch begins'
    USING ERRCODE = 'BB001', HINT = 'Read the watermarks again: another process has projected a part of it.';
END $$;
