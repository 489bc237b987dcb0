"""Container engines as something a machine has: finding one, installing one, starting one."""

from pipelines.containers.client import EngineDown, EngineOld, connect

__all__ = ["EngineDown", "EngineOld", "connect"]
