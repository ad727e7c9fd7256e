"""How many requests a service answers under load, and how fast: compared with its ``slo``."""

import dataclasses

from seaway.acceptance import availability, measurement, results
from seaway.model import application, slo


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LoadLimits:
    """How much load is sent."""

    seconds: int = 30
    connections: int = 50
    rate: int = 0
    """Requests a second in all; 0: the next request of a connection follows at once."""


async def run(service: application.Service, source: measurement.Source, limits: LoadLimits) -> results.Result:
    """Send load to a service."""
    interval = limits.connections / limits.rate if limits.rate else 0
    options = {"connections": limits.connections, "seconds": limits.seconds, "interval": interval, "keep_alive": True}
    async with source.start(**options) as finish:
        figures = await finish(limits.seconds + measurement.STOP_SECONDS, stop=False)
    return judge(service, figures, source.description)


def judge(service: application.Service, figures: measurement.Figures, description: str) -> results.Result:
    """Compare the figures with the objectives of a service; without objectives, something must be answered."""
    reasons: list[str] = []
    share = figures["failed"] / figures["requests"] if figures["requests"] else 1
    if figures["p50"] is None:
        reasons.append(availability.format_failures(figures))
    elif objectives := service.slo:
        limit = slo.parse_latency(objectives.p99) if objectives.p99 else None
        if limit is not None and figures["p99"] > limit:
            reasons.append(f"p99 is {figures['p99']:g} ms, and slo.p99 {objectives.p99}")
        permitted = slo.parse_share(objectives.errors) if objectives.errors else None
        if permitted is not None and share > permitted:
            reasons.append(f"{availability.format_failures(figures)}, and slo.errors is {objectives.errors}")
    latencies = f"p50 {figures['p50']:g} ms, p99 {figures['p99']:g} ms, " if figures["p50"] is not None else ""
    seen = f"{figures['perSecond']:g} requests/s, {latencies}{share:.2%} failed, {description}"
    return results.Result(
        row="performance",
        workload=service.name,
        code="load",
        subject="slo" if service.slo else "no slo",
        outcome="failed" if reasons else "passed",
        message=f"{'; '.join(reasons)}; {seen}" if reasons else seen,
        hint="raise `scale` or `resources`, or change `slo`" if reasons else "",
        figures=figures,
    )
