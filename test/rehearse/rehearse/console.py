"""A person at the guest's console."""

import os
import select
import socket
import sys
import termios
import tty

LEAVE = b"\x1d"  # Ctrl-]


def attend(path, network):
    """Joins the terminal and the console until Ctrl-], or until the machine ends."""
    print(f"clients:  ip netns exec {network.clients.name} curl http://10.0.1.80/")
    print("here:     terminusctl stats; tail /var/log/terminusd.log; /opt/terminus/scripts/bind-nic --status")
    print("Ctrl-] ends the machine.", flush=True)
    with socket.socket(socket.AF_UNIX) as guest:
        guest.connect(str(path))
        guest.sendall(b"\n")
        before = termios.tcgetattr(0) if os.isatty(0) else None
        try:
            if before:
                tty.setraw(0)
            _join(guest)
        finally:
            if before:
                termios.tcsetattr(0, termios.TCSADRAIN, before)


def _join(guest):
    while True:
        for ready in select.select([guest, 0], [], [])[0]:
            piece = guest.recv(4096) if ready is guest else os.read(0, 4096)
            if not piece or (ready == 0 and LEAVE in piece):
                return
            if ready is guest:
                sys.stdout.buffer.write(piece)
                sys.stdout.flush()
            else:
                guest.sendall(piece)
