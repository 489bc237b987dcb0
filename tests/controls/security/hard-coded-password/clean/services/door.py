"""What opens the door."""

import os

PASSWORD = os.environ.get("DOOR_PASSWORD")
