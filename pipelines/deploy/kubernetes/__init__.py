"""A release as Kubernetes manifests, by digest, from the same Compose file.

They are rendered, and checked against the schemas of the API. No API server has run them here.
"""

from pipelines.deploy.kubernetes.check import check
from pipelines.deploy.kubernetes.render import render, write

__all__ = ["check", "render", "write"]
