"""nginx as a server, with its own configuration in a directory of its own."""

from .process import run
from .waiting import wait_until

CONFIG = """
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
    client_max_body_size 0;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        {listen}
        default_type text/plain;
        root {folder}/files;
        location = / {{ return 200 "$server_addr to $remote_addr\\n"; }}
        location /put/ {{ dav_methods PUT; }}
    }}
}}
"""


class Nginx:
    """One nginx on a port of some addresses of a namespace, serving `files` and taking PUTs below /put/."""

    def __init__(self, namespace, folder, addresses, port=8080):
        self.folder = folder
        self.files = folder / "files"
        (self.files / "put").mkdir(parents=True, exist_ok=True)
        ends = [f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address in addresses]
        listen = " ".join(f"listen {end};" for end in ends)
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, listen=listen))
        command = ["nginx", "-p", folder, "-e", folder / "error.log", "-c", config]
        self.program = namespace.start(*command, log=folder / "output")
        wait_until(lambda: namespace.run("curl", "-sf", f"http://{ends[0]}/", check=False).returncode == 0, "nginx answers")

    def stop(self):
        self.program.stop()


def random_file(path, size):
    """A file of incompressible bytes, made at memory speed: AES in counter mode over nothing."""
    run(
        "sh", "-c",
        f"head -c {size} /dev/zero | openssl enc -aes-128-ctr -nosalt -K 000102030405060708090a0b0c0d0e0f -iv 0 >{path}",
        timeout=120,
    )
    return sha256(path)


def sha256(path):
    return run("sha256sum", path, timeout=120).stdout.split()[0]
