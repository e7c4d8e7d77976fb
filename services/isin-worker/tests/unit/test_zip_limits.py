"""What a zip may be."""

import zipfile
from pathlib import Path

import pytest

from isin_worker.errors import UnreadableList
from isin_worker.feeds.nse_equity import NSE_EQUITY
from isin_worker.pipeline.parse import content as module
from isin_worker.pipeline.parse.content import open_content
from isin_worker.pipeline.parse.reader import FileRows
from isin_worker.testing import make_list, make_row, make_zip

LIST = make_list(make_row(number) for number in range(2000))


def unpack(packed: bytes, folder: Path, limit: int = 1024 * 1024) -> bytes:
    path = folder / "list.zip"
    path.write_bytes(packed)
    with open_content(path, limit) as file:
        return file.read()


def test_the_only_file_is_unpacked_whatever_it_is_called(tmp_path: Path) -> None:
    assert unpack(make_zip({"../../etc/passwd": LIST}), tmp_path) == LIST
    assert list(tmp_path.iterdir()) == [tmp_path / "list.zip"]


def test_a_folder_beside_the_file_is_no_file(tmp_path: Path) -> None:
    assert unpack(make_zip({"a/": b"", "a/list": LIST}), tmp_path) == LIST


def test_a_file_without_a_name_is_read(tmp_path: Path) -> None:
    assert unpack(make_zip({"": LIST}), tmp_path) == LIST


def test_a_file_that_is_no_zip_is_itself(tmp_path: Path) -> None:
    assert unpack(LIST, tmp_path) == LIST


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        (make_zip({}), "0 files instead of one"),
        (make_zip({"a": b"1", "b": b"2"}), "2 files instead of one"),
        (make_zip({"a.zip": make_zip({"a": b"1"})}), "another archive in the zip"),
        (make_zip({"a": LIST * 10}), "unpacks to more than 1048576 bytes"),
        (make_zip({"a": LIST})[:-30], "cut off"),
        (make_zip({f"{number}": b"" for number in range(1001)}), "1001 entries"),
        (b"PK\x03\x04", "cut off"),
    ],
)
def test_what_is_refused_at_once(packed: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableList, match=words):
        unpack(packed, tmp_path)


def test_zeros_that_unpack_to_a_thousand_times_their_size_are_refused(tmp_path: Path) -> None:
    bomb = make_zip({"a": bytes(10 * 1024 * 1024)})
    assert len(bomb) < 12_000
    with pytest.raises(UnreadableList, match="more than 200 times its size"):
        unpack(bomb, tmp_path, limit=1024 * 1024 * 1024)


def test_a_zip_that_says_less_than_it_unpacks_to_gives_no_more_than_it_says(tmp_path: Path) -> None:
    packed = bytearray(make_zip({"a": LIST}))
    directory = packed.rindex(b"PK\x01\x02")
    packed[directory + 24 : directory + 28] = (100).to_bytes(4, "little")
    with pytest.raises(zipfile.BadZipFile):
        unpack(bytes(packed), tmp_path)


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    packed = bytearray(make_zip({"a": LIST}))
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableList, match="encrypted"):
        unpack(bytes(packed), tmp_path)


def test_damage_inside_is_told_as_the_lists(tmp_path: Path) -> None:
    packed = bytearray(make_zip({"a": LIST}))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "list.zip"
    path.write_bytes(bytes(packed))
    with pytest.raises(UnreadableList, match="the zip is damaged"):
        list(FileRows(NSE_EQUITY, path))


def test_a_directory_of_millions_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = bytearray(make_zip({"a": LIST}))
    end = packed.rindex(b"PK\x05\x06")
    packed[end + 10 : end + 12] = (65_535).to_bytes(2, "little")
    monkeypatch.setattr(module.zipfile, "ZipFile", None)  # whoever used it now would see
    with pytest.raises(UnreadableList, match="65535 entries"):
        unpack(bytes(packed), tmp_path)
