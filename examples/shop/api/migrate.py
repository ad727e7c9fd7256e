"""Migrates the database to this version. Runs once before a rollout."""

import store

if __name__ == "__main__":
    store.migrate()
    print("the database is up to date")
