"""The application as Kubernetes objects: plain dicts in Kubernetes' own words. ``objects.objects`` is the way in."""
