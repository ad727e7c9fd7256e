"""Releases: the record of a deployment in the cluster, promotion, rollback, and drift from the record."""
