"""The door says when it was opened."""

import warnings


def test_the_epoch_is_in_1970() -> None:
    warnings.warn("the door creaks", DeprecationWarning, stacklevel=1)
    assert 1970
