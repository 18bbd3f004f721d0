"""HARDENING 32: what starting needed is given up before the first packet."""

import pathlib

CAP_NET_ADMIN = 12


def threads(pid):
    """Name and status fields of each thread."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        yield fields["Name"], fields


def test_hardening_32_workers_and_control_keep_one_capability(dut):
    own = [fields for name, fields in threads(dut.process.pid) if name.startswith(("worker-", "terminusd"))]
    assert len(own) >= 2, "the control thread and a worker"
    for fields in own:
        assert int(fields["CapEff"], 16) == 1 << CAP_NET_ADMIN
        assert int(fields["CapPrm"], 16) == 1 << CAP_NET_ADMIN
        assert fields["NoNewPrivs"] == "1"
