"""What is counted of visits."""

from prometheus_client import Counter

REMINDERS = Counter("clinic_reminders_total", "Reminders that were sent")
