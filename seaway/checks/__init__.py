"""Checks with ids for production-ready workloads, applied to the objects of an environment before a deployment."""
