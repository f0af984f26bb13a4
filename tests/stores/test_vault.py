"""Secrets at rest: opened by the right key under the right name only, and a key that is never made anew."""

import base64
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.stores.vault import EnvelopeVault, read_master_key
from store_support import PROPERTY

KEY = bytes(range(32))


@PROPERTY
@given(secret=st.text(st.characters(exclude_categories=["Cs"])), context=st.text(st.characters(codec="utf-8")))
def test_every_secret_opens_under_its_own_context(secret, context):
    vault = EnvelopeVault(KEY)

    sealed = vault.seal(secret, context=context)

    assert vault.unseal(sealed, context=context) == secret


def test_a_secret_does_not_open_under_another_context_or_key():
    sealed = EnvelopeVault(KEY).seal("made-up", context="exchange_accounts/anna/1/api_key")

    for vault, context in (
        (EnvelopeVault(KEY), "exchange_accounts/anna/1/api_secret"),
        (EnvelopeVault(KEY), "exchange_accounts/ben/1/api_key"),
        (EnvelopeVault(KEY), ""),
        (EnvelopeVault(bytes(32)), "exchange_accounts/anna/1/api_key"),
    ):
        with pytest.raises(ValueError, match="does not open"):
            vault.unseal(sealed, context=context)


def test_a_flipped_bit_anywhere_is_noticed():
    vault = EnvelopeVault(KEY)
    raw = base64.b64decode(vault.seal("made-up", context="c"))

    for place in range(len(raw)):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(ValueError, match="does not open"):
            vault.unseal(base64.b64encode(altered).decode(), context="c")


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "ü", base64.b64encode(bytes(60)).decode()])
def test_what_was_never_sealed_is_refused_with_a_value_error(sealed):
    vault = EnvelopeVault(KEY)

    with pytest.raises(ValueError):  # noqa: PT011  its text is base64's or the cipher's own
        vault.unseal(sealed, context="c")


def test_sealing_twice_gives_two_texts_and_neither_shows_the_secret():
    vault = EnvelopeVault(KEY)

    first, second = (vault.seal("made-up", context="c") for _ in range(2))

    assert first != second
    assert b"made-up" not in base64.b64decode(first)


def test_parts_of_two_sealed_secrets_do_not_fit_together():
    vault = EnvelopeVault(KEY)
    first, second = (base64.b64decode(vault.seal(one, context="c")) for one in ("first", "other"))
    wrapped_length = 12 + 32 + 16

    mixed = base64.b64encode(first[:wrapped_length] + second[wrapped_length:]).decode()

    with pytest.raises(ValueError, match="does not open"):
        vault.unseal(mixed, context="c")


def test_fingerprints_are_equal_for_equal_secrets_under_one_key_only():
    vault = EnvelopeVault(KEY)

    assert vault.fingerprint("a") == EnvelopeVault(KEY).fingerprint("a")
    assert vault.fingerprint("a") != vault.fingerprint("b")
    assert vault.fingerprint("a") != EnvelopeVault(bytes(32)).fingerprint("a")
    assert "a" * 10 not in vault.fingerprint("a" * 10)


def test_derived_keys_differ_by_purpose_and_stay_the_same():
    vault = EnvelopeVault(KEY)

    assert vault.derive("tokens") == EnvelopeVault(KEY).derive("tokens")
    assert len({vault.derive("tokens"), vault.derive("cookies"), KEY}) == 3
    assert len(vault.derive("tokens")) == 32


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_master_key_of_another_length_is_refused(length):
    with pytest.raises(ValueError, match="32 bytes"):
        EnvelopeVault(bytes(length))


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path):
    path = tmp_path / "keys" / "master.key"
    before = os.umask(0)
    try:
        made = read_master_key(path)
    finally:
        os.umask(before)

    assert len(made) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_master_key(path) == made


def test_a_key_file_that_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "master.key"
    path.write_text(base64.b64encode(KEY).decode(), encoding="ascii")
    written = path.stat().st_mtime_ns

    assert read_master_key(path) == KEY
    assert path.stat().st_mtime_ns == written


def test_an_empty_key_file_stops_the_start_and_stays_as_it_is(tmp_path):
    path = tmp_path / "master.key"
    path.touch()

    with pytest.raises(ValueError, match="32 bytes"):
        EnvelopeVault(read_master_key(path))

    assert path.read_bytes() == b""
