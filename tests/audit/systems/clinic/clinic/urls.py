"""Which view answers which path."""

from django.urls import include, path

from clinic.visits import views

urlpatterns = [
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("visits/", views.visits),
    path("", include("django_prometheus.urls")),
]
