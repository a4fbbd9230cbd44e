"""The run-time type checker of the tests: beartype, reading `float` as Python's typing does, ints included."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
