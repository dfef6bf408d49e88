"""SpiffWorkflow follows what the scripts run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bpmn_alone import follow_all


@pytest.fixture(autouse=True)
def _followed(request: pytest.FixtureRequest) -> Iterator[None]:
    if "flow_tester" in request.fixturenames:
        request.getfixturevalue("flow_tester")
        yield
        follow_all()
    else:
        yield
