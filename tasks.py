"""Where Invoke starts: steps aside for the package of the same name."""

import sys

sys.modules.pop(__name__, None)  # Invoke registered this file as "tasks": the package's name
from tasks import namespace  # noqa: E402

__all__ = ["namespace"]
