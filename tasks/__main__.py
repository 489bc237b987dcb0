"""`python -m tasks` is `summit`, which hands everything over to Invoke."""

from pipelines import launch

launch.tasks()
