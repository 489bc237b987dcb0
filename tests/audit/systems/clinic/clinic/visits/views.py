"""The pages."""

import logging

from django.db import connection
from django.http import HttpRequest, JsonResponse

from clinic.visits.models import Visit

log = logging.getLogger(__name__)


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    connection.ensure_connection()
    return JsonResponse({"status": "ok"})


def visits(request: HttpRequest) -> JsonResponse:
    found = list(Visit.objects.values("patient", "at"))
    log.info("visits", extra={"count": len(found)})
    return JsonResponse({"visits": found})
