"""`compose.yaml` by the Compose specification's own fields: the one file every engine reads."""

from pipelines.compose.loader import find, load, of, written

__all__ = ["find", "load", "of", "written"]
