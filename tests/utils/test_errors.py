import logging
from pathlib import Path

import pytest

from dl4art.utils.errors import InputError, reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("a.tif: is empty"), "is empty"),
        (InputError("b.tif: is empty"), "b.tif: is empty"),
        (ValueError("what?"), "cannot be used (ValueError: what?)"),
    ],
)
def test_a_reason_leaves_out_the_file_that_the_row_names(error, said):
    assert reason(error, Path("a.tif")) == said


def test_the_traceback_is_there_for_those_who_ask(caplog):
    with caplog.at_level(logging.DEBUG, "dl4art"):
        reason(ValueError("what?"), Path("a.tif"))
    (record,) = caplog.records
    assert record.getMessage() == "a.tif"
    assert isinstance(record.exc_info[1], ValueError)
