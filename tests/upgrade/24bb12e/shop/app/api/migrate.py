"""Brings the database to the form that this version needs; runs once before a rollout."""

import store

if __name__ == "__main__":
    store.migrate()
    print("the database is up to date")
