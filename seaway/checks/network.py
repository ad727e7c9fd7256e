"""How pods are reached, and by whom."""

from seaway.checks import check, subject


@check.whole(
    "NET-01", "A network policy says who may talk to a pod", check.advice("Seaway makes no network policies yet")
)
def policies(seen: subject.Subject) -> subject.Found:
    """Without one every pod of the cluster may, that of another team and one that was broken into."""
    selectors = [each.manifest["spec"].get("podSelector", {}) for each in seen.of("NetworkPolicy")]
    for pod in seen.pods:
        if not any(subject.selects(one.get("matchLabels", {}), pod.labels) for one in selectors):
            remedy = "Seaway makes none yet: apply one to the namespace by hand, or waive this check"
            yield subject.about(
                pod.object, "spec.template.metadata.labels", "no network policy selects the pods", remedy
            )


@check.whole("NET-03", "A Service has pods behind it", check.BROKEN)
def services(seen: subject.Subject) -> subject.Found:
    """One that selects none answers nobody."""
    for each in seen.of("Service"):
        if not any(subject.selects(each.manifest["spec"]["selector"], pod.labels) for pod in seen.pods):
            yield subject.about(each, "spec.selector", "selects no pods", "write the labels of those that it is for")


@check.whole(
    "NET-04",
    "No Service opens a port on every node",
    check.advice("where there is no load balancer it is the only way in"),
)
def node_port(seen: subject.Subject) -> subject.Found:
    """It answers on all addresses of all nodes, whatever stands before them; a load balancer is asked for by name."""
    for each in seen.of("Service"):
        if each.manifest["spec"].get("type") == "NodePort":
            remedy = "set seaway:exposure to loadBalancer, or to clusterIP and let an Ingress stand before it"
            yield subject.about(each, "spec.type", "NodePort answers on every node", remedy)
