"""English, one module for each part of the site."""

from collections import ChainMap
from collections.abc import Mapping
from types import MappingProxyType

from web.texts.english import accounts, admin, desk, failures, frame, isins, people, profile, review

PARTS = (frame, accounts, people, profile, review, admin, isins, desk, failures)
ENGLISH: Mapping[str, str] = MappingProxyType(dict(ChainMap(*(part.TEXTS for part in PARTS))))
