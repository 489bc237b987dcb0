"""The pages."""

from django.db import connection
from django.http import HttpRequest, JsonResponse

from clinic.visits.models import Visit


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    connection.ensure_connection()
    return JsonResponse({"status": "ok"})


def visits(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"visits": list(Visit.objects.values("patient", "at"))})
