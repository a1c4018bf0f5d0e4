import pytest

from api.cli.history.countries import country_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Germany", "DE"),
        ("UK", "GB"),
        (" united kingdom ", "GB"),
        ("USA", "US"),
        ("United States", "US"),
        ("Venezuela", "VE"),
        ("Vietnam", "VN"),
        ("South Korea", "KR"),
        ("Russia", "RU"),
        ("fr", "FR"),
    ],
)
def test_a_country_is_known_by_its_names_and_codes(name: str, code: str) -> None:
    assert country_code(name) == code


@pytest.mark.parametrize("name", ["", "Atlantis", "XX"])
def test_what_is_no_country_is_named_in_the_error(name: str) -> None:
    with pytest.raises(ValueError, match=repr(name)):
        country_code(name)
