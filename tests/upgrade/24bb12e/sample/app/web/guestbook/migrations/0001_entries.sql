-- Old pods run on while a migration is applied: add first, remove a release later.
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 60),
    message text NOT NULL CHECK (char_length(message) BETWEEN 1 AND 1000),
    written timestamptz NOT NULL DEFAULT now()
);
