import pytest

from tests.support.index_life import IndexLife


@pytest.mark.anyio
class TestOnTriton(IndexLife):
    pass
