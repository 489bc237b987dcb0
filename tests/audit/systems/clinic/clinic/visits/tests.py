from django.test import TestCase


class Health(TestCase):
    def test_health(self):
        assert self.client.get("/healthz").json() == {"status": "ok"}
