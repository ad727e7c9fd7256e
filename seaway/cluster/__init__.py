"""A cluster, seen with a kubeconfig only: no Pulumi, no state, no passphrase."""
