"""All engines behave alike: here three machines, in what their own edge and tasks decide."""

import pytest

from tests.deploy.behaviour import (
    test_no_request_fails_while_deploys_are_killed_and_taken_up,
    test_no_request_fails_while_releases_come_and_go,
    test_whatever_was_done_may_be_done_again,
)

__all__ = [
    "test_no_request_fails_while_deploys_are_killed_and_taken_up",
    "test_no_request_fails_while_releases_come_and_go",
    "test_whatever_was_done_may_be_done_again",
]

pytestmark = pytest.mark.takes("root")
