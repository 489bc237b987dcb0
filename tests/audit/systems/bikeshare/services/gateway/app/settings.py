"""What the gateway is told by its environment."""

import os

RIDES_URL = os.environ["RIDES_URL"]
CORS_ORIGINS = os.getenv("CORS_ORIGINS", "https://bikes.example.org").split(",")
