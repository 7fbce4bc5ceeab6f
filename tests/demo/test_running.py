"""Where the server listens, and how it starts and ends."""

from __future__ import annotations

import os
import signal
import socket
import threading
from types import FrameType

import httpx
import pytest

from client.demo.evidence import Attestation, Simulated
from client.demo.running import Running, serve, serving
from client.demo.service import KEY_PATH
from client.listening import listen_on, url_of
from tests.demo.talking import asked, options


class Watched(Simulated):
    """A source that knows whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0", "127.8.9.1:0", "[::1]:0"])
def test_loopback_may_be_listened_on(address: str) -> None:
    with listen_on(address, allow_remote=False) as listening:
        url = url_of(listening)

    host = address[:-2].replace("localhost", "127.0.0.1")
    assert url == f"http://{host}:{listening_port(url)}"


def listening_port(url: str) -> int:
    port = httpx.URL(url).port
    assert port
    return port


def test_accepted_connections_are_known_as_tcp_so_that_answers_are_sent_at_once() -> None:
    with listen_on("127.0.0.1:0", allow_remote=False) as listening:
        assert listening.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:80", "[::]:0", "[::ffff:192.0.2.1]:0"])
def test_other_addresses_need_to_be_allowed(address: str) -> None:
    with pytest.raises(ValueError, match="is no loopback address: that needs --allow-remote"):
        listen_on(address, allow_remote=False)


def test_an_address_that_is_allowed_is_listened_on() -> None:
    with listen_on("0.0.0.0:0", allow_remote=True) as listening:
        assert url_of(listening).startswith("http://0.0.0.0:")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "8000",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:80",
        "http://127.0.0.1:80",
        "a b:1",
    ],
)
def test_what_is_no_address_is_an_error(address: str) -> None:
    with pytest.raises(ValueError, match="is no HOST:PORT"):
        listen_on(address, allow_remote=True)


def test_names_are_not_looked_up() -> None:
    with pytest.raises(ValueError, match="expected localhost or an IP address"):
        listen_on("example.org:80", allow_remote=True)


def test_serving_keeps_to_loopback_unless_allowed() -> None:
    with pytest.raises(ValueError, match="--allow-remote"), serving(options(), listen="0.0.0.0:0"):
        pytest.fail("it listened")

    with serving(options(), listen="0.0.0.0:0", allow_remote=True) as running:
        port = listening_port(running.url)
        assert httpx.get(f"http://127.0.0.1:{port}{KEY_PATH}").status_code == 200


def test_a_port_that_is_taken_is_an_error() -> None:
    with (
        serving(options()) as running,
        pytest.raises(OSError, match="in use"),
        serving(options(), listen=f"127.0.0.1:{listening_port(running.url)}"),
    ):
        pytest.fail("two servers listen on one port")


def test_an_option_without_meaning_frees_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with (
        pytest.raises(ValueError, match="key_bits"),
        serving(options(key_bits=1), listen=f"127.0.0.1:{port}"),
    ):
        pytest.fail("it started")

    socket.create_server(("127.0.0.1", port)).close()


def test_the_end_of_the_block_ends_thread_port_and_source() -> None:
    source, threads = Watched(), threading.active_count()

    with serving(options(), source=source) as running, httpx.Client(base_url=running.url) as client:
        assert asked(client).status_code == 200
        assert running.source is source

    assert source.closed
    assert threading.active_count() == threads
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.url)


def test_a_fault_in_the_block_ends_the_server_too() -> None:
    source = Watched()

    with pytest.raises(KeyError), serving(options(), source=source):
        raise KeyError

    assert source.closed


class Interrupting(Watched):
    """A source during whose work the process is told to end."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__()
        self.number = number
        self.told = threading.Event()

    def watch(self) -> None:
        """Learn when the server has heard the signal."""
        heard = signal.getsignal(self.number)
        assert callable(heard)

        def hear(number: int, frame: FrameType | None) -> None:
            heard(number, frame)
            self.told.set()

        signal.signal(self.number, hear)

    def attestation(self, payload_id: str) -> Attestation:
        os.kill(os.getpid(), self.number)
        assert self.told.wait(60)
        return super().attestation(payload_id)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_answer_under_way_be_finished(number: signal.Signals) -> None:
    source, before = Interrupting(number), signal.getsignal(number)
    answers: list[httpx.Response] = []
    clients: list[threading.Thread] = []

    def announce(running: Running) -> None:
        source.watch()
        running.service.source = source
        client = threading.Thread(target=ask, args=(running.url,))
        clients.append(client)
        client.start()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            answers.append(asked(client))

    serve(options(), "127.0.0.1:0", announce, allow_remote=False)

    for client in clients:
        client.join()
    assert [answer.status_code for answer in answers] == [200]
    assert signal.getsignal(number) == before
