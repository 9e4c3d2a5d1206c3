-- tminus: up
ALTER TABLE products ADD COLUMN badge text NOT NULL DEFAULT 'classic';

-- tminus: down
ALTER TABLE products DROP COLUMN badge;
