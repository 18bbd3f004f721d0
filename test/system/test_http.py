"""curl through terminusd to nginx: the main job."""


def fetch(network, family, path="/", *options):
    return network.clients.run("curl", "-sS", "--fail", "--max-time", "20", *options, family.url(path)).stdout


def test_curl_gets_nginx_s_answer_through_the_virtual_address(network, dut, nginx, family):
    answer = fetch(network, family)
    assert answer in (f"{family.server} to {family.source}\n", f"{family.second_server} to {family.source}\n")


def test_requests_go_to_the_backends_in_turn(network, dut, nginx, family):
    backends = [fetch(network, family).split()[0] for _ in range(6)]
    assert backends[::2] == [backends[0]] * 3
    assert backends[1::2] == [backends[1]] * 3
    assert {*backends[:2]} == {family.server, family.second_server}


def test_two_requests_share_one_kept_alive_connection(network, dut, nginx, family):
    before = dut.metrics().sum("terminus_opens_total", leg="client", kind="passive")
    network.clients.run("curl", "-sS", "--fail", "--max-time", "20", family.url("/?1"), family.url("/?2"))
    after = dut.metrics().sum("terminus_opens_total", leg="client", kind="passive")
    assert after - before == 1


def test_a_file_of_a_megabyte_arrives_whole(network, dut, nginx, family, tmp_path):
    content = bytes(range(256)) * 4096
    for server in nginx:
        (server.files / "megabyte").write_bytes(content)
    fetch(network, family, "/megabyte", "-o", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content
