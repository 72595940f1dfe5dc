"""Ground of the matrix: the level at which visits are decided."""

import pytest

from tests.law import drop_rule


@pytest.fixture
def committee_decides(request):
    """Some cells need the Department's own level; every test starts from the committee's and leaves it so.

    Answers a function that puts it back.
    """
    office = request.getfixturevalue("office" if "office" in request.fixturenames else "lite")

    def back():
        drop_rule(office, "decision_level")

    back()
    yield back
    back()
