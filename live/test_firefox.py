"""The live page in Debian's Firefox, where that is installed (`make test-browser`): the same bits as in Python.

Firefox is asked in its own language, Marionette: JSON behind its length, over a socket of 127.0.0.1.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import numpy as np
import pytest

MAX_START = 120  # seconds


class Firefox:
    """A session with a Firefox that listens on a port of this machine."""

    def __init__(self, port: int, started: subprocess.Popen[bytes]) -> None:
        end, self.number, self.rest = time.monotonic() + MAX_START, 0, b""
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=MAX_START)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < end and started.poll() is None, "Firefox did not start"
                time.sleep(0.2)
        self.receive()  # its greeting
        self.ask("WebDriver:NewSession")

    def receive(self) -> list[object]:
        while b":" not in self.rest:
            self.rest += self.socket.recv(2**16)
        length, _, message = self.rest.partition(b":")
        while len(message) < int(length):
            message += self.socket.recv(2**16)
        self.rest = message[int(length) :]
        return json.loads(message[: int(length)])

    def ask(self, command: str, **parameters: object) -> object:
        self.number += 1
        message = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self.receive()
        assert number == self.number and error is None, error
        return result["value"] if isinstance(result, dict) and "value" in result else result

    def see(self, expression: str) -> str:
        """A property of the page."""
        return self.ask("WebDriver:ExecuteScript", script=f"return document.{expression}", args=[])

    def until_ready(self) -> None:
        end = time.monotonic() + MAX_START
        while self.see("body.dataset.state") != "ready":
            assert time.monotonic() < end, self.see("body.innerText")
            time.sleep(0.1)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    program = shutil.which("firefox-esr")
    if program is None:
        pytest.skip("firefox-esr is not installed")
    home = tmp_path_factory.mktemp("firefox")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "user.js").write_text(f'user_pref("marionette.port", {port});\n')
    command = [program, "--headless", "--marionette", "--no-remote", "--profile", home]
    environment = {**os.environ, "HOME": str(home)}
    started = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        session = Firefox(port, started)
        yield session
        session.socket.close()
    finally:
        started.terminate()
        started.wait(30)


@pytest.mark.parametrize("preset", ["xavier", "he", "normalised"])
def test_begins_with_pythons_bits_and_trains(firefox, folder, preset):
    """The first weights, which the page shows to nine digits, are those of the Python beside them."""
    firefox.ask("WebDriver:Navigate", url="about:blank")
    firefox.ask("WebDriver:Navigate", url=f"{(folder / 'live.en.html').as_uri()}#preset={preset}")
    firefox.until_ready()
    code, names = firefox.see("getElementById('python').textContent"), {}
    exec(code, names)
    shown = [np.float32(x) for x in re.search(r"weights\[0\]\[0, :4\]    # (.*)", code)[1].split(",")]
    assert names["weights"][0][0, :4].tolist() == [float(x) for x in shown]
    firefox.see("getElementById('train').click()")
    firefox.until_ready()
    assert firefox.see("getElementById('count').textContent") == "step 500"
    assert firefox.see("getElementById('now').textContent").endswith("it learns.")
