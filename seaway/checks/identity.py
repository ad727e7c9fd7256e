"""Who a workload is to the cluster: its account, its namespace, its labels."""

from seaway.checks import check, subject


@check.pods("SA-01", "A workload has an account of its own", check.RELEASED)
def account(each: subject.Pod) -> subject.Found:
    """A right that is given to the default account is given to every pod of the namespace."""
    name = each.spec.get("serviceAccountName", "default")
    if name == "default":
        yield each.says("serviceAccountName", "is the default account", f"set it to {each.workload.name}")


@check.pods("SA-02", "A pod has no token for the cluster's API", check.RELEASED)
def token(each: subject.Pod) -> subject.Found:
    """Whoever breaks in would talk to the cluster in the name of the pod."""
    if each.spec.get("automountServiceAccountToken") is not False:
        yield each.says("automountServiceAccountToken", "is not false", "set it to false")
