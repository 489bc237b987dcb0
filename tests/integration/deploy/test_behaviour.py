"""All engines behave alike: here the docker engine, in what its own edge and containers decide."""

from tests.deploy.behaviour import (
    test_a_bad_release_is_taken_back,
    test_a_closed_edge_leads_nowhere,
    test_a_release_that_fails_its_smoke_test_never_gets_traffic,
    test_no_request_fails_while_deploys_are_killed_and_taken_up,
    test_no_request_fails_while_releases_come_and_go,
    test_requests_are_counted_for_the_release_that_answered_them,
    test_whatever_was_done_may_be_done_again,
)

__all__ = [
    "test_a_bad_release_is_taken_back",
    "test_a_closed_edge_leads_nowhere",
    "test_a_release_that_fails_its_smoke_test_never_gets_traffic",
    "test_no_request_fails_while_deploys_are_killed_and_taken_up",
    "test_no_request_fails_while_releases_come_and_go",
    "test_requests_are_counted_for_the_release_that_answered_them",
    "test_whatever_was_done_may_be_done_again",
]
