"""Seaway's provider plugin: the resources that plain Kubernetes objects cannot express."""
