"""Counts of requests, kept in plain integers because one thread serves them all.

The client library's own counters take a lock and several calls each; here an observation is one
look-up and three additions, and the library is asked only to render what it finds at `/metrics`.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sized

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BOUNDS = (*(str(bound) for bound in BUCKETS), "+Inf")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# More combinations than any service has; what lies beyond is counted together.
MOST_SERIES = 1000
OTHER = "other"


class Measured(ABC):
    """What has numbers to show: a resource of this kind appears in `/metrics`."""

    @abstractmethod
    def collect(self) -> Iterable[Metric]:
        """Return the numbers as they are now."""


class Series:
    """The requests of one method, route and status."""

    __slots__ = ("buckets", "count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        self.buckets = [0] * len(BOUNDS)


class RequestMetrics(Measured):
    """Requests by method, route template and status, and how many are being answered."""

    def __init__(self, in_flight: Sized) -> None:
        self._in_flight = in_flight
        self._series: dict[tuple[str, str, int], Series] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request that is done."""
        series = self._series.get((method, route, status))
        if series is None:
            series = self._add(method, route, status)
        series.count += 1
        series.seconds += seconds
        series.buckets[bisect_left(BUCKETS, seconds)] += 1

    def _add(self, method: str, route: str, status: int) -> Series:
        if method not in METHODS:
            method = OTHER
        if len(self._series) >= MOST_SERIES:
            route = OTHER
        return self._series.setdefault((method, route, status), Series())

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "http_requests", "Requests answered.", labels=["method", "route", "status"]
        )
        latency = HistogramMetricFamily(
            "http_request_duration_seconds",
            "From the request's head to the end of the answer.",
            labels=["method", "route", "status"],
        )
        errors: dict[tuple[str, str], int] = {}
        for (method, route, number), series in sorted(self._series.items()):
            status = str(number)
            labels = [method, route, status]
            requests.add_metric(labels, series.count)
            latency.add_metric(labels, _cumulative(series.buckets), series.seconds)
            if number >= 500:
                errors[route, status] = errors.get((route, status), 0) + series.count
        yield requests
        yield latency
        yield _errors(errors)
        yield GaugeMetricFamily(
            "http_requests_in_flight", "Requests being answered.", len(self._in_flight)
        )


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total = 0
    rows: list[tuple[str, float]] = []
    for bound, count in zip(BOUNDS, buckets, strict=True):
        total += count
        rows.append((bound, total))
    return rows


def _errors(counts: dict[tuple[str, str], int]) -> Metric:
    family = CounterMetricFamily("errors", "Answers of 5xx.", labels=["route", "status"])
    for labels, count in counts.items():
        family.add_metric(labels, count)
    return family


def registry_of(*measured: Measured) -> CollectorRegistry:
    """Return a registry of these and of the process's own numbers; none is shared between apps."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    for collector in measured:
        registry.register(collector)
    return registry
