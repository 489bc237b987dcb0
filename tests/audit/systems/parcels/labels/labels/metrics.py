"""What is counted of labels."""

from prometheus_client import Counter

PRINTED = Counter("labels_printed_total", "Labels that were printed")
REFUSED = Counter("labels_refused_total", "Numbers that are none")
