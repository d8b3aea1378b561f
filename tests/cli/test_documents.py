"""A protocol is found by its name, shipped or published, or in its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from upturn import evidence, protocol
from upturn.cli.documents import names, open_protocol
from upturn.errors import EvidenceError, ProtocolError

GOOD = Path(__file__).parent / "good.yaml"


def test_every_name_opens() -> None:
    assert names() == (*protocol.shipped(), *evidence.protocol_names())
    assert [open_protocol(name).id for name in names()] == list(names())


def test_a_file_and_a_trial_under_its_own_name() -> None:
    assert open_protocol(str(GOOD)) == protocol.load(GOOD)
    assert open_protocol("MURROUGH_2013a").id == "murrough-2013a"


def test_what_cannot_be_opened_says_why() -> None:
    with pytest.raises(EvidenceError, match="cannot be written as a protocol"):
        open_protocol("sustain1-2019")
    with pytest.raises(ProtocolError, match="There is no protocol called seven-infusions"):
        open_protocol("seven-infusions")
