"""What Keras 2.2.4 was recorded to do."""

import pytest

from tests import golden


@pytest.fixture(scope="session")
def recorded():
    return golden.json("callbacks")
