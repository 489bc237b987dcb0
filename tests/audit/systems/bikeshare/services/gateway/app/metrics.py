"""What the gateway counts."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("gateway_requests_total", "Requests by route and status", ["route", "status"])
ERRORS = Counter("gateway_errors_total", "Answers of 500 and above", ["route"])
SECONDS = Histogram("gateway_request_seconds", "How long an answer took", ["route"])
