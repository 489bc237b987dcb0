"""All engines behave alike: here the docker engine."""

from tests.deploy.behaviour import *  # noqa: F403
