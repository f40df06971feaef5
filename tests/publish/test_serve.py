import http.client
import signal
import subprocess
import sys
import threading

import pytest

from salesops_lib.publish.site.serve import ServeError, serve, site_server


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A link to a folder of two pages, with a secret beside it and a link that leads out to it."""
    root = tmp_path_factory.mktemp("serve")
    (root / "secret.txt").write_text("pay of everybody")
    folder = root / ".site" / "1"
    (folder / "reports").mkdir(parents=True)
    (folder / "tables").mkdir()
    (folder / "index.html").write_text("first page")
    (folder / "reports" / "index.html").write_text("reports page")
    (folder / ".hidden").write_text("hidden")
    (folder / "out.txt").symlink_to(root / "secret.txt")
    (root / "site").symlink_to(folder)
    return root / "site"


@pytest.fixture(scope="module")
def port(site):
    server = site_server(site, port=0)
    threading.Thread(target=serve, args=(server,), daemon=True).start()
    yield server.server_port
    server.shutdown()


def ask(port, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), dict(answer.getheaders())


def test_a_page_and_a_folder_with_an_index_are_served_with_headers_that_keep_them_here(port):
    status, body, headers = ask(port, "/")
    assert (status, body) == (200, "first page")
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-cache"
    assert ask(port, "/reports/?a=b#c")[:2] == (200, "reports page")
    assert ask(port, "/index.html", "HEAD")[:2] == (200, "")


@pytest.mark.parametrize(
    "path",
    ["/tables/", "/tables", "/../../secret.txt", "/%2e%2e/%2e%2e/secret.txt", "/.hidden", "/out.txt",
     "/a%00b", "//etc/passwd", "/none.html"],
)  # fmt: skip
def test_nothing_beside_the_site_no_listing_and_no_hidden_file_is_served(port, path):
    status, body, _ = ask(port, path)
    assert status == 404
    assert "secret" not in body and "pay of everybody" not in body and "root:" not in body


def test_a_foreign_host_name_is_refused_so_that_no_other_site_can_read_this_one(port):
    assert ask(port, "/", Host="evil.example")[0] == 421
    assert ask(port, "/", Host="localhost:1")[0] == 200


def test_a_new_site_shows_without_a_restart(site, port):
    again = site.parent / ".site" / "2"
    again.mkdir()
    (again / "index.html").write_text("newer page")
    fresh = site.parent / "fresh"
    fresh.symlink_to(again)
    before = site.readlink()
    fresh.replace(site)
    assert ask(port, "/index.html")[1] == "newer page"
    fresh.symlink_to(before)
    fresh.replace(site)


def test_it_writes_nothing(port):
    assert ask(port, "/index.html", "POST")[0] == 501


def test_a_port_that_is_taken_and_a_site_that_is_not_there_are_said_in_a_line(site, port, tmp_path):
    with pytest.raises(ServeError, match=r"cannot be listened on: .*; try --port 0"):
        site_server(site, port=port)
    with pytest.raises(ServeError, match="70000 is no port"):
        site_server(site, port=70000)
    with pytest.raises(ServeError, match=r"there is no site .*; build it with: salesops site"):
        site_server(tmp_path)


def test_ctrl_c_ends_it_without_a_word(site):
    code = (
        "import sys; from pathlib import Path; from salesops_lib.publish.site.serve import *\n"
        "server = site_server(Path(sys.argv[1]), port=0); print(server.server_port, flush=True)\n"
        "serve(server)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(site)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert ask(int(run.stdout.readline()), "/")[0] == 200
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=20)
        assert (run.returncode, said) == (0, "")
