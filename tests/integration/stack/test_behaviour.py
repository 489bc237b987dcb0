"""Both engines behave alike: here the docker engine."""

from tests.stack.behaviour import *  # noqa: F403
