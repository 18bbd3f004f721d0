"""Waiting for something observable, with a deadline. Nothing in these tests sleeps and hopes."""

import time

POLL_SECONDS = 0.02
DEADLINE_SECONDS = 30


def wait_until(condition, what, seconds=DEADLINE_SECONDS, every=POLL_SECONDS):
    """Polls until `condition()` is true and returns its value; fails with `what` when the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(every)


def stays(condition, seconds, what, every=0.1):
    """Checks that `condition()` holds during the whole time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"did not last {seconds} s: {what}"
        time.sleep(every)
