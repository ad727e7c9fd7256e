create table if not exists books (id serial primary key, title text not null, printed boolean not null default false)
