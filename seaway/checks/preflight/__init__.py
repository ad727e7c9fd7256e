"""Requirements of an application on its cluster, checked with a kubeconfig before a deployment fails."""
