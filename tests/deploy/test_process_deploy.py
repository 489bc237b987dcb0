"""All engines behave alike: here local processes."""

import pytest

from tests.deploy import behaviour
from tests.deploy.behaviour import *  # noqa: F403 - each is a test of this module

__all__ = [name for name in vars(behaviour) if name.startswith("test_")]

# A supervisor outlives the process that has started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
