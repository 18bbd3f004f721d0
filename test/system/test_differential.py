"""The same clients against the kernel's TCP and against Terminus: the differences are those that docs/rfc/linux.md explains.

The kernel answers in real time, so scripts/soak --differential does this, on a machine that has nothing else to do.
"""

import os

import pytest

from differential import compare, run


@pytest.mark.skipif("TERMINUS_DIFFERENTIAL" not in os.environ, reason="in real time: scripts/soak --differential")
def test_the_kernel_and_terminus_differ_only_where_it_is_explained():
    new, gone = run.surprises(run.run_own())
    told = f"not known:\n{compare.table(new)}\n\nknown, and gone:\n{compare.table(gone)}"
    if (new or gone) and run.this_kernel() != run.known_kernel():
        pytest.skip(f"what is known is of {run.known_kernel()}, and {run.this_kernel()} answers otherwise; {told}")
    assert not new and not gone, told


def test_each_known_difference_has_its_explanation_and_each_explanation_a_difference():
    assert set(run.expected().values()) == run.explained()
