"""Whether a workload is confined: what its own processes may do, and attempts to escape, which must be refused.

A probe beside the container reads /proc/1, which is the container's own first process with its own files. The attempts
run in the probe, which has the user and the security context of the container.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from seaway.acceptance import probe, results
from seaway.kubernetes.api import unstructured
from seaway.kubernetes.cluster import snapshot
from seaway.model import application

_SCRIPT = """\
while read -r key first rest; do
  case $key in Uid:|CapPrm:|CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) echo "$key $first" ;; esac
done </proc/1/status
while read -r _ _ _ _ point options _; do echo "mount $point $options"; done </proc/1/mountinfo
try() {
  name=$1; shift
  command -v "$1" >/dev/null || { echo "attempt $name missing"; return; }
  if ( "$@" ) >/dev/null 2>&1 </dev/null; then echo "attempt $name open"; else echo "attempt $name refused"; fi
}
try write sh -c ': >/proc/1/root/.seaway-test && rm /proc/1/root/.seaway-test'
try mount mount -t tmpfs none /tmp
try user-namespace unshare -U true
try kernel sh -c ': >>/proc/sysrq-trigger'
try device sh -c '[ -e /proc/1/root/dev/kmsg ] || [ -e /proc/1/root/dev/mem ]'
exit 0"""

_NET_RAW = 1 << 13
"""CAP_NET_RAW. https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h"""
_NET_BIND_SERVICE = 1 << 10
"""The one capability that the level restricted of the Pod Security Standards permits to add."""

_ATTEMPTS = {
    "mount": "it can mount a file system",
    "user-namespace": "it can create a user namespace",
    "kernel": "it can write to /proc/sysrq-trigger",
}
"""The attempts of the script that are results of their own, by code."""

_TOKEN_FOLDER = "kubernetes.io/serviceaccount"  # noqa: S105 - a path
_RUNTIME_SOCKETS = ("docker.sock", "containerd.sock", "crio.sock")
_HOST_NAMESPACES = ("hostNetwork", "hostPID", "hostIPC")
_HINT = "the pods may not be those of the release: seaway status --drift"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a probe saw of a container."""

    status: Mapping[str, str]
    """Of its first process, by the keys of /proc/1/status."""
    mounts: Mapping[str, str]
    """Its mounts with their options."""
    attempts: Mapping[str, str]
    """``open`` or ``refused``."""

    @classmethod
    def parse(cls, lines: Sequence[str]) -> "Observation":
        """The output of the script."""
        words = [line.split() for line in lines]
        return cls(
            status={key.rstrip(":"): text for key, text, *rest in _select(words, 2) if not rest},
            mounts={point: options for key, point, options in _select(words, 3) if key == "mount"},
            attempts={name: state for key, name, state in _select(words, 3) if key == "attempt"},
        )

    def get_capabilities(self) -> int:
        """The capabilities that the process has, or may get."""
        return int(self.status.get("CapPrm", "0"), 16) | int(self.status.get("CapBnd", "0"), 16)


def _select(lines: Sequence[Sequence[str]], count: int) -> Iterator[Sequence[str]]:
    return (words for words in lines if len(words) == count)


async def run(
    workload: application.ServiceOrStore, container: str, pod: snapshot.Object, own_probe: probe.Probe
) -> list[results.Result]:
    """Observe a container of a workload, and judge it."""
    observed = Observation.parse(await own_probe.run(_SCRIPT))
    return list(judge(workload, container, pod, observed))


def judge(
    workload: application.ServiceOrStore, container: str, pod: snapshot.Object, observed: Observation
) -> Iterator[results.Result]:
    """The results of one container. What the application declares itself is no failure."""
    declared = next((known for known in workload.list_containers() if known.name == container), None)
    is_baseline = declared is not None and workload.security == "baseline"
    capabilities = observed.get_capabilities()
    seen = observed.status

    def build(code: str, problem: str, *, permission: str = "", hint: str = _HINT) -> results.Result:
        outcome: results.Outcome = "passed"
        if problem:
            outcome = "declared" if permission else "failed"
        suffix = f", as `{permission}` declares" if outcome == "declared" else ""
        return results.Result(
            row="security",
            workload=workload.name,
            code=code,
            subject=container,
            outcome=outcome,
            message=f"{container}: {problem}{suffix}" if problem else "",
            hint=hint if outcome == "failed" else "",
        )

    if "Uid" not in seen or "/" not in observed.mounts:
        message = "the probe cannot read /proc/1 of the container"
        yield build("process", message, hint="the process may hide itself (PR_SET_DUMPABLE); then nothing can be shown")
        return
    baseline = "security: baseline" if is_baseline else ""
    user = (
        "" if declared is None or declared.user not in (None, 0) else f"user: {'null' if declared.user is None else 0}"
    )
    yield build("root-user", "it runs as root" if seen["Uid"] == "0" else "", permission=user)
    may_escalate = seen.get("NoNewPrivs") != "1"
    yield build("privilege-escalation", "it may gain privileges" if may_escalate else "", permission=baseline)
    others = capabilities & ~_NET_BIND_SERVICE & ~_NET_RAW
    yield build("capabilities", f"it has the capabilities {others:#x}" if others else "", permission=baseline)
    yield build("raw-socket", "it may open raw sockets" if capabilities & _NET_RAW else "", permission=baseline)
    is_filtered = seen.get("Seccomp") == "2"
    yield build("seccomp", "" if is_filtered else "its system calls are not filtered")
    is_writable = "ro" not in observed.mounts["/"].split(",") or observed.attempts.get("write") == "open"
    writable = "writable: [/]" if declared is not None and "/" in declared.writable else ""
    yield build("root-file-system", "its root file system is writable" if is_writable else "", permission=writable)
    has_token = any(point.endswith(_TOKEN_FOLDER) for point in observed.mounts)
    api = "kubernetesApi" if declared is not None and workload.kubernetes_api else ""
    yield build("service-account-token", "it has a service account token" if has_token else "", permission=api)
    yield build("host", ", ".join(_list_host_access(container, pod, observed)))
    for code, text in _ATTEMPTS.items():
        state = observed.attempts.get(code)
        result = build(code, text if state == "open" else "")
        if state not in ("open", "refused"):
            message = f"{container}: not tried, because the image of the probe has no such program"
            result = dataclasses.replace(result, outcome="skipped", message=message)
        yield result


def _list_host_access(container: str, pod: snapshot.Object, observed: Observation) -> Iterator[str]:
    """What a container has of its node."""
    spec = unstructured.get_mapping(pod, "spec")
    mounted = {
        mount["name"] for mount in unstructured.get_list(unstructured.find_container(pod, container), "volumeMounts")
    }
    for volume in unstructured.get_list(pod, "spec", "volumes"):
        if "hostPath" in volume and volume["name"] in mounted:
            yield f"it mounts {volume['hostPath'].get('path')} of the node"
    for key in _HOST_NAMESPACES:
        if spec.get(key):
            yield f"its pod has {key}"
    if unstructured.get_mapping(unstructured.find_container(pod, container), "securityContext").get("privileged"):
        yield "it is privileged"
    if observed.attempts.get("device") == "open":
        yield "it sees devices of the node"
    for point in observed.mounts:
        if point.endswith(_RUNTIME_SOCKETS):
            yield f"it has the socket of the container runtime ({point})"
