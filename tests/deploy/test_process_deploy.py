"""All engines behave alike: here local processes."""

import pytest

from tests.deploy.behaviour import *  # noqa: F403

# A supervisor outlives the process that has started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
