"""Both engines behave alike: here the process engine."""

from tests.stack.behaviour import *  # noqa: F403
