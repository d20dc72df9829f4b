"""The blob store: what is put comes back whole or not at all, and no reference leads anywhere else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from newsflow.blobs import BlobMissingError, BlobStore, BlobTooLargeError
from newsflow.errors import ConfigError, SinkError
from newsflow.model.claim import Blob
from tests.s3_double import S3Double

DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of hello


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(f"folder:///{tmp_path}/blobs")


def path_of(tmp_path: Path, blob: Blob) -> Path:
    return tmp_path / "blobs" / blob.dataref


def test_what_is_put_comes_back_under_the_digest_of_its_bytes(store: BlobStore, tmp_path: Path) -> None:
    blob = store.put(b"hello")
    assert blob == Blob(DIGEST, 5)
    assert blob.dataref == f"sha256/2c/{DIGEST}"
    assert path_of(tmp_path, blob).read_bytes() == b"hello"
    assert store.get(blob, 5) == store.get(Blob(DIGEST), 5) == b"hello"
    large = os.urandom(3_000_000)
    assert store.get(store.put(large), 10**7) == large
    assert [path.name for path in (tmp_path / "blobs").rglob("*.tmp")] == []


def test_pieces_give_the_blob_of_the_whole(store: BlobStore) -> None:
    assert store.put_all(iter([b"he", b"", b"llo"])) == store.put(b"hello")
    assert [each.blob for each in store.blobs()] == [Blob(DIGEST, 5)]


def test_one_that_is_put_again_is_as_if_written_now(store: BlobStore, tmp_path: Path) -> None:
    blob = store.put(b"hello")
    os.utime(path_of(tmp_path, blob), (1, 1))
    store.put(b"hello")
    [stored] = store.blobs()
    assert time.time() - stored.written_at.timestamp() < 60
    store.remove(blob)
    store.remove(blob)
    assert list(store.blobs()) == []


def test_what_is_missing_changed_or_of_another_size_is_told_apart_from_a_store_out_of_reach(
    store: BlobStore, tmp_path: Path
) -> None:
    with pytest.raises(BlobMissingError, match="is not in"):
        store.get(Blob(DIGEST, 5), 100)
    blob = store.put(b"hello")
    with pytest.raises(BlobTooLargeError, match="has 5 bytes; accepted: up to 4"):
        store.get(blob, 4)
    with pytest.raises(BlobMissingError, match="5 bytes instead of 6"):
        store.get(Blob(DIGEST, 6), 100)
    path_of(tmp_path, blob).write_bytes(b"hallo")
    with pytest.raises(BlobMissingError, match="other bytes"):
        store.get(blob, 100)
    path_of(tmp_path, blob).unlink()
    (tmp_path / "blobs" / "sha256" / "2c").rmdir()
    (tmp_path / "blobs" / "sha256" / "2c").write_text("a file where a folder was")
    with pytest.raises(SinkError, match="cannot be written"):
        store.put(b"hello")


@pytest.mark.parametrize(
    "dataref",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "sha256/2c/../../../etc/passwd",
        f"sha256/2d/{DIGEST}",
        f"sha256/2c/{DIGEST.upper()}",
        f"sha256/2c/{DIGEST}/",
        f"sha256/2c/{DIGEST}\n",
        f"s3://elsewhere/sha256/2c/{DIGEST}",
        f"https://elsewhere.example/sha256/2c/{DIGEST}",
        f"file:///elsewhere/sha256/2c/{DIGEST}",
        "",
    ],
)
def test_a_reference_to_anything_else_is_none(store: BlobStore, dataref: str) -> None:
    assert store.find(dataref) is None


def test_a_reference_is_relative_or_below_the_stores_own_address(store: BlobStore, tmp_path: Path) -> None:
    name = f"sha256/2c/{DIGEST}"
    assert store.find(name) == store.find(f"file://{tmp_path}/blobs/{name}") == Blob(DIGEST)


def test_the_address_of_a_store_in_s3_holds_no_password() -> None:
    store = BlobStore("s3://key:hidden@harbour-blobs/news?region=eu-west-1")
    assert store.base == "s3://harbour-blobs/news/"
    assert "hidden" not in store.shown + store.base
    assert store.find(f"s3://harbour-blobs/news/sha256/2c/{DIGEST}") == Blob(DIGEST)
    assert store.find(f"s3://other-blobs/news/sha256/2c/{DIGEST}") is None


@pytest.mark.parametrize("url", ["folder:///", "folder://host/path", "/a/path", "s3://", "https://x.example/", ""])
def test_other_urls_name_no_store(url: str) -> None:
    with pytest.raises(ConfigError, match="accepted: folder:///PATH, or s3://BUCKET"):
        BlobStore(url)


def test_a_bucket_keeps_the_same_promises() -> None:
    with S3Double() as s3:
        store = BlobStore(s3.url("harbour-blobs/news"))
        large = os.urandom(12_000_000)
        for value in (b"hello", b"", large):
            blob = store.put(value)
            assert s3.objects[f"harbour-blobs/news/{blob.dataref}"] == value
            assert store.get(blob, 12_000_000) == value
        assert store.put_all(iter([large[:5], large[5:]])) == Blob.of(large)
        assert {each.blob.size_bytes for each in store.blobs()} == {5, 0, 12_000_000}
        asked = len(s3.asked)
        with pytest.raises(BlobTooLargeError):
            store.get(Blob.of(large), 11_999_999)
        assert not any(each.startswith("GET") and "list-type" not in each for each in s3.asked[asked:]), "size first"
        with pytest.raises(BlobMissingError, match="is not in"):
            store.get(Blob.of(b"never put"), 100)
        s3.objects[f"harbour-blobs/news/sha256/2c/{DIGEST}"] = b"hallo"
        with pytest.raises(BlobMissingError, match="other bytes"):
            store.get(Blob(DIGEST), 100)
        assert store.put(b"hello") == Blob(DIGEST, 5)
        assert store.get(Blob(DIGEST), 100) == b"hello"
        store.remove(Blob(DIGEST))
        assert len(list(store.blobs())) == 2


def test_a_bucket_out_of_reach_is_not_one_without_the_blob(monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Double() as s3:
        store = BlobStore(s3.url("harbour-blobs/news"))
        blob = store.put(b"hello")
        s3.away = True
        with pytest.raises(SinkError, match=r"the blob store s3://key:\*+@harbour-blobs/news cannot be read") as raised:
            store.get(blob, 100)
        assert "hidden" not in str(raised.value)
        with pytest.raises(SinkError, match="cannot be written"):
            store.put(b"other")
