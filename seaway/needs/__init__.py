"""What an application needs of its cluster, and whether that has it: asked with a kubeconfig, before anything fails."""
