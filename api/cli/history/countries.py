"""Countries by their English names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, cast

import pycountry

_ALSO = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "united states of america": "US",
    "russia": "RU",
    "turkey": "TR",
    "czech republic": "CZ",
    "holland": "NL",
    "the netherlands": "NL",
    "ivory coast": "CI",
    "cape verde": "CV",
    "swaziland": "SZ",
    "macedonia": "MK",
    "burma": "MM",
    "brunei": "BN",
    "east timor": "TL",
    "vatican": "VA",
    "vatican city": "VA",
    "palestine": "PS",
    "micronesia": "FM",
    "macau": "MO",
    "uae": "AE",
    "democratic republic of the congo": "CD",
    "republic of the congo": "CG",
    "falkland islands": "FK",
    "republic of ireland": "IE",
}


def country_code(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of a country, by English name, alpha-2 or alpha-3 code.

    Raises:
        ValueError: no country is known by that name.
    """
    code = _codes().get(name.strip().casefold())
    if code is None:
        raise ValueError(f"no country is known as {name!r}")
    return code


@cache
def _codes() -> dict[str, str]:
    codes = dict(_ALSO)
    for country in cast("Iterable[Any]", pycountry.countries):
        for attribute in ("name", "common_name", "official_name", "alpha_2", "alpha_3"):
            name = getattr(country, attribute, None)
            if name is not None:
                codes[name.casefold()] = country.alpha_2
    return codes
