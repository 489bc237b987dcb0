"""Reminders."""

import logging

import requests
from celery import shared_task

from clinic.visits.metrics import REMINDERS

log = logging.getLogger(__name__)


@shared_task
def remind(patient: str, url: str) -> None:
    requests.post(url, json={"patient": patient}, timeout=5).raise_for_status()
    REMINDERS.inc()
    log.info("reminded")
