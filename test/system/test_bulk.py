"""A gigabyte each way, compared by its hash.

It runs on the release build: under AddressSanitizer the same gigabytes would take most of the suite's time, and
test_loss.py has the sanitizer over the same paths.
"""

import pytest

from harness.dut import Dut, configuration
from harness.nginx import Nginx, random_file, sha256

GIGABYTE = 1 << 30


@pytest.fixture(scope="module")
def rig(network, tmp_path_factory):
    nginx = Nginx(network.servers, tmp_path_factory.mktemp("nginx"), ["10.0.2.11", "10.0.2.12", "fd00:2::11", "fd00:2::12"])
    digest = random_file(nginx.files / "gigabyte", GIGABYTE)
    with Dut(network, build="release", config=configuration(network)) as dut:
        yield dut, nginx, digest
    nginx.stop()


def test_a_gigabyte_downloaded_from_nginx_has_its_hash(network, rig, family, tmp_path):
    dut, _, digest = rig
    network.clients.run("curl", "-sS", "--fail", "-o", tmp_path / "got", family.url("/gigabyte"), timeout=180)
    assert (tmp_path / "got").stat().st_size == GIGABYTE
    assert sha256(tmp_path / "got") == digest
    (tmp_path / "got").unlink()
    dut.check_healthy()


def test_a_gigabyte_uploaded_to_nginx_has_its_hash(network, rig, family):
    dut, nginx, digest = rig
    name = f"ipv{family.version}"
    network.clients.run("curl", "-sS", "--fail", "-T", nginx.files / "gigabyte", family.url(f"/put/{name}"), timeout=180)
    assert sha256(nginx.files / "put" / name) == digest
    (nginx.files / "put" / name).unlink()
    dut.check_healthy()
