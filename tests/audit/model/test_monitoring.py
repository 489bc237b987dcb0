"""What Prometheus scrapes."""

from __future__ import annotations

from tests.audit.repository import model


def test_targets_know_their_line_and_path() -> None:
    text = """\
        scrape_configs:
          - job_name: api
            metrics_path: /internal/metrics
            static_configs:
              - targets: ["api:8000", 'http://web:80']
              - targets:
                  - localhost:9090
    """
    (it,) = model({"prometheus.yml": text}).prometheus

    assert [(one.host, one.port, one.path, one.place.line) for one in it.targets] == [
        ("api", "8000", "/internal/metrics", 5),
        ("web", "80", "/internal/metrics", 5),
        ("localhost", "9090", "/internal/metrics", 7),
    ]


def test_a_collector_that_scrapes() -> None:
    text = """\
        receivers:
          prometheus:
            config:
              scrape_configs:
                - job_name: api
                  static_configs: [{targets: ["api:1"]}]
    """
    (it,) = model({"otel.yaml": text}).prometheus

    assert [one.host for one in it.targets] == ["api"]


def test_a_broken_file_is_said() -> None:
    it = model({"prometheus.yml": "scrape_configs: [\n  a: b: c"})

    assert it.prometheus == ()
    assert [unread.place.file for unread in it.unread] == ["prometheus.yml"]
