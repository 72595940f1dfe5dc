"""Keys and sealed values."""

from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow import crypto
from workflow.crypto import MARK, KeysError, read_keys
from workflow.fold import fold

KEYS = read_keys(crypto.new_keys())
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(values, st.text(max_size=30))
def test_what_is_sealed_opens_at_its_place(value, place):
    sealed = KEYS.seal(value, place)
    assert sealed.startswith(MARK) and KEYS.open(sealed, place) == value
    assert KEYS.seal(value, place) != sealed, "the same value never looks the same twice"


@given(st.text(min_size=1), st.text(max_size=20), st.text(max_size=20))
def test_it_opens_nowhere_else(value, here, there):
    sealed = KEYS.seal(value, here)
    if here != there:
        with pytest.raises(KeysError):
            KEYS.open(sealed, there)
    with pytest.raises(KeysError):
        read_keys(crypto.new_keys()).open(sealed, here)


@given(st.binary(min_size=1, max_size=60), st.integers(0, 10_000))
def test_one_flipped_bit_does_not_open(data, at):
    sealed = bytearray(KEYS.seal_bytes(data, "x"))
    sealed[(at // 8) % len(sealed)] ^= 1 << (at % 8)
    with pytest.raises(KeysError):
        KEYS.open_bytes(bytes(sealed), "x", KEYS.current)


def test_a_new_key_takes_over_and_the_old_one_still_opens():
    text = crypto.new_keys()
    old = read_keys(text)
    sealed, mark = old.seal("MẪU", "x"), old.blind("mau")
    new = read_keys(crypto.with_new_key(text))
    assert new.current == "k2" != old.current and new.open(sealed, "x") == "MẪU" and new.blind("mau") == mark
    with pytest.raises(KeysError, match="k2"):
        old.open(new.seal("MẪU", "x"), "x")


@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=15), min_size=1, max_size=4))
def test_a_name_is_found_by_the_beginning_of_each_of_its_words(words):
    marks = KEYS.marks_of(fold(" ".join(words)))
    for word in words:
        for length in range(min(3, len(word)), len(word) + 1):
            assert KEYS.asked(word[:length]) in marks
        assert all(word not in mark for mark in marks if len(word) > 4)


def test_the_file_of_keys_is_its_owners_alone(tmp_path):
    path = tmp_path / "fpd.keys"
    with pytest.raises(KeysError, match="fpd keys new"):
        crypto.keys_at(path)
    keys = crypto.keys_at(path, make=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and crypto.keys_at(path).blind("a") == keys.blind("a")
    assert not crypto.write_private(path, "other") and "other" not in path.read_text()
    os.chmod(path, 0o644)
    with pytest.raises(KeysError, match="chmod 600"):
        crypto.keys_at(path)


@pytest.mark.parametrize("text", ["", "k1:", "index:AAAA\nk1:AAAA", "nonsense", "k0:" + "A" * 43 + "=\nk1:" + "A" * 43 + "=", "index:%%\nk1:%%"])
def test_a_broken_file_of_keys_is_told(text):
    with pytest.raises(KeysError):
        read_keys(text)
