"""The application as Kubernetes manifests, plain dicts in Kubernetes' own fields. Start at ``objects.objects``."""
