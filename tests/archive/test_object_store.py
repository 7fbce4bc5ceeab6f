"""Archives in an object store: a real S3 interface on this machine, read through pyarrow.fs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from pyarrow import fs
from werkzeug.serving import make_server

from attest.archive.packing import Packed, pack
from attest.archive.stores import ArrowStore, sources_of, store_of
from attest.policy.loader import load_policy
from attest.replay.check import check
from attest.replay.manifest import At, Run
from attest.replay.run import Options, replay
from tests import build
from tests.archive.packing import gz
from tests.replay.making import octets, parts_of, replayed

RESPONSES = {f"saved/{n // 2}/{n}.json": octets(number=n) for n in range(4)} | {
    "saved/more.jsonl.gz": gz(octets(number=4) + b"\n" + octets(number=5, quoted={"magic": 0})),
    "other/x.json": b"nonsense",
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Serve an empty object store; yield host and port."""
    made = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), True)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Fill a bucket; return what stands in an address after its path."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    store = fs.S3FileSystem(
        endpoint_override=server, scheme="http", region="us-east-1", allow_bucket_creation=True
    )
    store.create_dir("responses")
    for name, content in RESPONSES.items():
        with store.open_output_stream(f"responses/{name}", compression=None) as stream:
            stream.write(content)
    return f"?scheme=http&endpoint_override={server}&region=us-east-1"


def test_files_of_a_bucket_come_in_order(bucket: str) -> None:
    found = [source.path for _, _, source in sources_of([f"s3://responses/saved{bucket}"])]
    assert found == sorted(f"responses/{name}" for name in RESPONSES if name[0] == "s")


def test_a_bucket_replays_as_a_folder_does(bucket: str, tmp_path: Path) -> None:
    for name, content in RESPONSES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    replayed(tmp_path / "local", tmp_path / "saved")
    policy = tmp_path / "policy.yaml"
    policy.write_text(build.policy_text(build.VALUES), encoding="utf-8")
    address = f"s3://responses/saved{bucket}"
    run = Run((address,), str(policy), load_policy(policy), At("evidence"))
    outcome = replay(run, tmp_path / "out", Options(0))
    named = ["source", "result_sha256", "policy_sha256"]
    local, stored = parts_of(tmp_path / "local"), parts_of(tmp_path / "out")
    assert stored.drop_columns(named).equals(local.drop_columns(named))
    assert outcome.summary is not None
    assert (outcome.summary["accepted"], outcome.summary["refused"]) == (5, 1)
    assert check(tmp_path / "out", Options(0)) == []


def test_a_bucket_is_packed(bucket: str, tmp_path: Path) -> None:
    told: list[str] = []
    seen = pack([f"s3://responses/saved{bucket}"], tmp_path / "shards", told.append)
    assert (seen, len(told)) == (Packed(4, 1, 1, 0), 1)


def test_an_object_is_named_without_the_way_to_it(bucket: str) -> None:
    ((_, store, source),) = sources_of([f"s3://responses/saved/more.jsonl.gz{bucket}"])
    assert source.name == "s3://responses/saved/more.jsonl.gz"
    with store.open(source) as stream:
        assert stream.read() == RESPONSES["saved/more.jsonl.gz"]


@pytest.mark.parametrize("name", ["missing", "responses/missing"])
def test_what_is_not_in_the_store_is_refused(bucket: str, name: str) -> None:
    with pytest.raises(OSError, match="does not exist"):
        list(sources_of([f"s3://{name}{bucket}"]))


def test_an_object_that_goes_away_cannot_be_read(bucket: str) -> None:
    store = store_of(f"s3://responses/saved/more.jsonl.gz{bucket}")
    assert isinstance(store, ArrowStore)
    (source,) = store.sources("address")
    fs.FileSystem.from_uri(f"s3://responses/{bucket}")[0].delete_file(source.path)
    with pytest.raises(OSError, match=r"NoSuchKey|not exist|404"):
        store.open(source)


def test_address_with_credentials_is_refused_without_them() -> None:
    with pytest.raises(OSError, match="would be kept in results") as caught:
        store_of("s3://someone:secret@bucket/folder")

    assert "secret" not in f"{caught.value}{caught.value.filename}"
