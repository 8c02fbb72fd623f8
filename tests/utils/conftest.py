"""A web server for the tests of downloads, and no pauses between their tries."""

import pytest

from jkeras.utils import download
from tests import web


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setattr(download, "_DELAYS", (0.0, 0.0, 0.0))
    with web.serving() as running:
        yield running
