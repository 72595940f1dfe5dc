"""Ground of the matrix: the level at which visits are decided."""

import pytest


@pytest.fixture
def committee_decides(request):
    """Some cells need the Department's own level; every test starts from the committee's and leaves it so."""
    office = request.getfixturevalue("office" if "office" in request.fixturenames else "lite")
    office.profile.raw["decision"]["level"] = "committee"
    yield office.profile.raw["decision"]
    office.profile.raw["decision"]["level"] = "committee"
